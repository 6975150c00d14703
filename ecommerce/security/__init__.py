"""Who may do what in MongoDB: roles with the least privilege that each part of the pipeline can work with."""

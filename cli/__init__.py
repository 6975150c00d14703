"""The `ecommerce` command. Each flow command runs the very flow function that Prefect deploys."""

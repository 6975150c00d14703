"""What is drawn: small Viewer classes, built once per session and fed."""

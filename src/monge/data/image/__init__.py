"""Images: folders of them, single files, and their sizes."""

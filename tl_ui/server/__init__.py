"""The HTTP side of the studio: big uploads and downloads, pictures, and the guard before them.

Everything here runs in the web server's event loop beside Streamlit and imports no torch.
"""

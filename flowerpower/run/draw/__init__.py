"""A DAG as text, SVG, Mermaid, DOT or a page."""

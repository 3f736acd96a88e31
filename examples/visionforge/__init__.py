"""VisionForge's own database, its migration and its plan: what `visionforge demo` shows.

VisionForge is a platform for computer-vision models: accounts own projects, projects hold assets
and models, models are trained in runs, and runs are billed. The directory is an ordinary project of
a user of Alembic and of this plugin; `demo.py` lays a copy of it out and tells the story.
"""

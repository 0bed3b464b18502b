"""Puts a dozen courses into the database of the demo project; demo.py runs it in the project's folder."""

from datetime import UTC, datetime
from pathlib import Path

from lback.core.project import Project
from lback.models.database import DatabaseManager

COURSES = (
    ("Algebra for the Curious", "Equations, from the first unknown to the fifth degree."),
    ("Botany on Foot", "Forty plants of the roadside, and how to tell them apart."),
    ("Chess Endings", "Kings and pawns: few pieces, deep questions."),
    ("Drawing What You See", "Line, tone and proportion, with a pencil."),
    ("Evening Astronomy", "The sky of every season, with the naked eye."),
    ("First Steps in Python", "Values, functions and files, in twelve exercises."),
    ("Good Bread at Home", "Sourdough, time and temperature."),
    ("History of Maps", "What was drawn, what was left out, and why."),
    ("Introduction to Statistics", "From counting to confidence."),
    ("Joinery by Hand", "Four joints, three tools, one stool."),
    ("Keyboard Harmony", "Chords and cadences for pianists."),
    ("Letters and Type", "Reading, drawing and setting the alphabet."),
)


def main() -> None:
    """Add the courses."""
    project = Project(Path.cwd())
    project.load_models()
    from courses.models import Course

    database = DatabaseManager.from_config(project.config)
    with database.transaction() as db:
        for number, (name, description) in enumerate(COURSES, start=1):
            slug = name.lower().replace(" ", "-")
            created = datetime(2026, number, 2 * number, 9, tzinfo=UTC).replace(tzinfo=None)
            db.add(Course(name=name, description=description, slug=slug, created_at=created))
    database.dispose()


if __name__ == "__main__":
    main()

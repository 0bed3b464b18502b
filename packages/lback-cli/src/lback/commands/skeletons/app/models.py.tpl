"""The tables of $name, as SQLAlchemy models."""

$import_BaseModel

# A class that inherits from BaseModel and names its __tablename__ is a table. After changing one:
#   python manage.py makemigrations
#   python manage.py migrate

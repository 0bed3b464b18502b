"""Users, groups and permissions, passwords, and who is logged in."""

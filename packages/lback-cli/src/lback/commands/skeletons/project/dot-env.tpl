# Secrets, and the settings of this machine alone. Keep this file out of version control.
SECRET_KEY=$secret_key

# The development server switches DEBUG on by itself. Everywhere else it stays off.
# DEBUG=true
$database
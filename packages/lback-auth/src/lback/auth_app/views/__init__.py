"""The pages of accounts, by subject: login, registration, passwords, the account itself, and the second factor."""

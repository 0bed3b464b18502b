"""The core of Lback: the application, requests and responses, routing, configuration and templates."""

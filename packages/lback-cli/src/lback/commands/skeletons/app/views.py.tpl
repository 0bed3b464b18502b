"""What $name answers: a view takes the request and returns a response."""

from lback.utils.shortcuts import render

# For example:
#
# def index(request):
#     return render(request, "$name/index.html", {"title": "$name"})

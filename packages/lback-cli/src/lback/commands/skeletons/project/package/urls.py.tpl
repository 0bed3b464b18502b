"""The addresses of $name. Those of an app are in its own urls.py, and included here."""

$imports


def home(request):
    return render(request, "home.html")


urlpatterns = [
    path("/", home, name="home"),$includes
]

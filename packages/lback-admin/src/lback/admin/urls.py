"""The addresses of the admin, for ``include('lback.admin.urls', prefix='/admin/')``."""

from lback.admin.views.dashboard import dashboard, index
from lback.admin.views.delete import delete_view
from lback.admin.views.edit import add_view, change_view
from lback.admin.views.history import history_view
from lback.admin.views.lists import list_view
from lback.admin.views.login import login_view, logout_view
from lback.utils.urls import path

BOTH = ("GET", "POST")

urlpatterns = [
    path("/", index, name="admin_index"),
    path("/login/", login_view, BOTH, name="admin_login_page"),
    path("/logout/", logout_view, ("POST",), name="admin_logout"),
    path("/dashboard/", dashboard, name="admin_dashboard"),
    path("/{model_name}/", list_view, name="admin_list"),
    path("/{model_name}/add/", add_view, BOTH, name="admin_add"),
    path("/{model_name}/{object_id}/change/", change_view, BOTH, name="admin_change"),
    path("/{model_name}/{object_id}/history/", history_view, name="admin_history"),
    path("/{model_name}/{object_id}/delete/", delete_view, BOTH, name="admin_delete"),
]

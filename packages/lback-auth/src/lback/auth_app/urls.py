"""The addresses of the login pages: ``include('lback.auth_app.urls', prefix='/auth/')``."""

from lback.auth_app import views
from lback.utils.urls import path

urlpatterns = [
    path("/login/", views.login_page, allowed_methods=["GET"], name="web_login_page"),
    path("/login/", views.handle_login, allowed_methods=["POST"], name="web_handle_login_submit"),
    path("/logout/", views.handle_logout, allowed_methods=["POST"], name="web_logout_user"),
]

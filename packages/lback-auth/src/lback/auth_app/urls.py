"""The addresses of accounts: ``include('lback.auth_app.urls', prefix='/auth/')``."""

from lback.auth_app import api
from lback.auth_app.views import account, login, passwords, registration, second_factor
from lback.utils.urls import path

PAGE, FORM = ["GET"], ["POST"]

urlpatterns = [
    path("/register/", registration.register_page, PAGE, name="web_register_page"),
    path("/register/", registration.handle_register, FORM, name="web_handle_register_submit"),
    path("/verify-email/", registration.verify_email, PAGE, name="web_verify_email"),
    path("/login/", login.login_page, PAGE, name="web_login_page"),
    path("/login/", login.handle_login, FORM, name="web_handle_login_submit"),
    path("/logout/", login.handle_logout, FORM, name="web_logout_user"),
    path("/request-reset-password/", passwords.request_reset_page, PAGE, name="web_request_reset_password_page"),
    path(
        "/request-reset-password/",
        passwords.handle_request_reset,
        FORM,
        name="web_handle_request_reset_password_submit",
    ),
    path("/reset-password-confirm/", passwords.reset_confirm_page, PAGE, name="web_reset_password_confirm_page"),
    # Where a project's own template without an `action` sends its form.
    path("/reset-password-confirm/", passwords.handle_reset, FORM),
    path("/reset-password/", passwords.handle_reset, FORM, name="web_handle_reset_password_confirm_submit"),
    path("/change-password/", passwords.change_password_page, PAGE, name="web_change_password", requires_auth=True),
    path(
        "/change-password/",
        passwords.handle_change_password,
        FORM,
        name="web_handle_change_password_submit",
        requires_auth=True,
    ),
    path("/account/", account.account_page, PAGE, name="web_account", requires_auth=True),
    path("/sessions/", account.sessions_page, PAGE, name="web_sessions", requires_auth=True),
    path("/sessions/end-others/", account.end_other_sessions, FORM, name="web_end_other_sessions", requires_auth=True),
    path("/sessions/{login_id}/end/", account.end_session, FORM, name="web_end_session", requires_auth=True),
    path("/second-factor/", login.second_factor_page, PAGE, name="web_second_factor_page"),
    path("/second-factor/", login.handle_second_factor, FORM, name="web_handle_second_factor_submit"),
    path(
        "/second-factor/status/", second_factor.status_page, PAGE, name="web_second_factor_status", requires_auth=True
    ),
    path("/second-factor/setup/", second_factor.setup_page, PAGE, name="web_second_factor_setup"),
    path("/second-factor/setup/", second_factor.handle_setup, FORM, name="web_handle_second_factor_setup_submit"),
    path(
        "/second-factor/recovery-codes/",
        second_factor.handle_new_codes,
        FORM,
        name="web_new_recovery_codes",
        requires_auth=True,
    ),
    path(
        "/second-factor/remove/", second_factor.handle_remove, FORM, name="web_remove_second_factor", requires_auth=True
    ),
    path("/api/register/", api.register, FORM, name="api_register_user"),
    path("/api/login/", api.login, FORM, name="api_login_user"),
    path("/api/refresh/", api.refresh, FORM, name="api_refresh_token"),
    path("/api/logout/", api.logout, FORM, name="api_logout_user"),
    path("/api/verify-email/", api.verify_email, ["GET", "POST"], name="api_verify_email"),
    path("/api/request-reset-password/", api.request_reset_password, FORM, name="api_request_reset_password"),
    path("/api/reset-password/", api.reset_password, FORM, name="api_reset_password"),
    path("/api/change-password/", api.change_password, FORM, name="api_change_password"),
    path("/api/user/", api.user, PAGE, name="api_user"),
    path("/api/sessions/", api.sessions, ["GET", "DELETE"], name="api_sessions"),
    path("/api/sessions/{login_id}/", api.end_session, ["DELETE"], name="api_session"),
]

<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>$name</title>
  <link rel="stylesheet" href="{{ static('css/home.css') }}">
</head>
<body>
  <main>
    <p class="state">It works</p>
    <h1>$name is running on Lback</h1>
    <p>The way on, with commands for a terminal in the folder of the project:</p>
    <ol>
      {% if "lback.models.middleware.SQLAlchemySessionMiddleware" in config.MIDDLEWARES %}
      <li>
        <h2>Create the tables</h2>
        <pre><code>python manage.py migrate</code></pre>
      </li>
      {% endif %}
      {% if "admin" in config.INSTALLED_APPS %}
      <li>
        <h2>Make an account and open the admin</h2>
        <pre><code>python manage.py create_superuser</code></pre>
        <p>Then log in at <a href="/admin/">/admin/</a>.</p>
      </li>
      {% endif %}
      <li>
        <h2>Start your first app</h2>
        <pre><code>python manage.py startapp courses</code></pre>
        <p>Add it to <code>INSTALLED_APPS</code> in <code>settings.py</code>, and its <code>urls.py</code> to <code>$name/urls.py</code>.</p>
      </li>
      <li>
        <h2>Replace this page</h2>
        <p>It is <code>templates/home.html</code>, shown by the view <code>home</code> in <code>$name/urls.py</code>.</p>
      </li>
    </ol>
  </main>
</body>
</html>

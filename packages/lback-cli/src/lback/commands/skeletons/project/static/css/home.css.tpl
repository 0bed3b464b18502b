:root {
  color-scheme: light dark;
  --page: #f6f7f9;
  --surface: #ffffff;
  --text: #1b1f27;
  --muted: #586072;
  --line: #e3e6ec;
  --accent: #3450c4;
  --good: #1a6b3c;
}

@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216;
    --surface: #171b21;
    --text: #e8eaf0;
    --muted: #a3aabb;
    --line: #2a313b;
    --accent: #91a7ff;
    --good: #69db9c;
  }
}

* {
  box-sizing: border-box;
}

body {
  margin: 0;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}

main {
  max-width: 42rem;
  margin: 0 auto;
  padding: clamp(2rem, 8vh, 5rem) 1.25rem;
}

h1 {
  margin: 0.25rem 0 1rem;
  font-size: clamp(1.5rem, 5vw, 2rem);
  line-height: 1.2;
  overflow-wrap: anywhere;
}

h2 {
  margin: 0 0 0.25rem;
  font-size: 1rem;
}

p {
  margin: 0;
  color: var(--muted);
}

.state {
  color: var(--good);
  font-size: 0.875rem;
  font-weight: 600;
}

ol {
  margin: 1.5rem 0 0;
  padding: 0;
  list-style: none;
  counter-reset: step;
}

li {
  position: relative;
  margin-top: 0.75rem;
  padding: 1rem 1.25rem 1.125rem 3.5rem;
  background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 8px;
  counter-increment: step;
}

li::before {
  content: counter(step);
  position: absolute;
  left: 1.25rem;
  color: var(--accent);
  font-weight: 600;
}

pre {
  margin: 0.625rem 0 0;
  padding: 0.5rem 0.75rem;
  overflow-x: auto;
  background: var(--page);
  border-radius: 6px;
}

pre + p {
  margin-top: 0.625rem;
}

code {
  font: 0.875em/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere;
}

pre code {
  overflow-wrap: normal;
}

a {
  color: var(--accent);
}

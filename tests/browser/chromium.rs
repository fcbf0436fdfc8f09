//! A headless browser, if this machine has one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A desk and a phone, in CSS pixels.
pub(crate) const WIDTHS: [u32; 2] = [1_280, 390];

/// What runs it without a network of its own.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--allow-file-access-from-files",
    "--enable-logging=stderr",
];

/// What a page looked like.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Lines of its console: errors, and what the policy in its head forbade to load.
    pub(crate) complaints: Vec<String>,
    /// How wide its content is.
    pub(crate) content: u32,
    /// Characters that can be read.
    pub(crate) text: usize,
}

/// The browser.
pub(crate) struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Browser {
    /// The one that `HANDOFFD_BROWSER` names, or what is installed; without one the test says so and is skipped.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("HANDOFFD_BROWSER").map(PathBuf::from);
        let known = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
        let runs = |program: &PathBuf| {
            Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
        };
        let Some(program) = named.into_iter().chain(known).find(runs) else {
            eprintln!("SKIPPED: no Chromium here; install one, or name it in HANDOFFD_BROWSER");
            return None;
        };
        Some(Self { program, folder: tempfile::tempdir().unwrap() })
    }

    fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Output {
        let profile = tempfile::tempdir_in(self.folder.path()).unwrap();
        let mut command = Command::new(&self.program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn write(&self, name: &str, page: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.html"));
        std::fs::write(&path, page).unwrap();
        path
    }

    /// Opens a page in a frame of this width. The page's own policy runs no script, so the frame around it measures.
    pub(crate) fn look(&self, name: &str, page: &str, width: u32) -> Seen {
        let path = self.write(name, page);
        let frame = format!(
            "<!doctype html><iframe id=\"page\" width=\"{width}\" height=\"900\" style=\"border:0\" src=\"{}\"></iframe><pre id=\"seen\"></pre>\
             <script>addEventListener('load', () => {{ const page = document.getElementById('page').contentDocument; \
             document.getElementById('seen').textContent = 'seen ' + page.documentElement.scrollWidth + ' ' + page.body.innerText.trim().length; }})</script>",
            address(&path)
        );
        let frame = self.write(&format!("{name}-frame"), &frame);
        let output = self.run(&["--virtual-time-budget=5000", "--dump-dom", &address(&frame)]);
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut figures = dom.split("<pre id=\"seen\">seen ").nth(1).unwrap_or_default().split(['<', ' ']);
        let mut figure = || figures.next().and_then(|text| text.parse::<u32>().ok()).unwrap();
        let (content, text) = (figure(), usize::try_from(figure()).unwrap());
        let told = String::from_utf8_lossy(&output.stderr);
        let complaints = told.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
        Seen { complaints, content, text }
    }

    /// Prints a page; how many pages of paper that makes.
    pub(crate) fn prints(&self, name: &str, page: &str) -> usize {
        let (path, paper) = (self.write(name, page), self.folder.path().join(format!("{name}.pdf")));
        self.run(&[format!("--print-to-pdf={}", paper.display()), address(&path)]);
        let bytes = std::fs::read(paper).unwrap();
        String::from_utf8_lossy(&bytes).matches("/Type /Page\n").count()
    }
}

fn address(path: &Path) -> String {
    format!("file://{}", path.display())
}

//! `handoffd` as it ships, built beside the tests that type its commands.

fn main() -> std::process::ExitCode {
    handoffd::cli::main()
}

//! The `handoffd` command.

/// A look allocates and frees many small values on several threads; with the C library's allocator that was a third of its time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    handoffd::cli::main()
}

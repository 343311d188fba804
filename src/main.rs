//! The doorbell: everything is in the library.

fn main() -> std::process::ExitCode {
    kmi_tui::cli::main()
}

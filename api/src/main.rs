//! The one binary. What it can do is in `waypost::command`.

fn main() -> std::process::ExitCode {
    waypost::command::run()
}

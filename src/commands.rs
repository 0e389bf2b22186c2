//! One file a subcommand; here only the choice and the exit code.

mod coverage;
mod guide;
mod init;
mod investigate;
mod output;
mod policy;
mod privileges;
mod review;
mod rule_set;
mod rules;
mod run;
mod schema;
mod search;
mod session;
mod verdict;
mod verify;
mod writers;

use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::safe_text::{TerminalText, is_hidden, text};

/// How a command ended (the table stands in `--help`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Findings = 1,
    NotStarted = 2,
    Incomplete = 3,
    Broken = 4,
}

/// Runs a command. Results go to standard output, everything else to standard error.
pub fn run(cli: Cli) -> ExitCode {
    survive_limits();
    let done = usable_environment().and_then(|()| dispatch(cli.command));
    let exit = done.unwrap_or_else(|error| {
        print_error(&error);
        Exit::NotStarted
    });
    ExitCode::from(exit as u8)
}

/// Lets a write beyond the limit on file sizes fail with an error (EFBIG) that names the file, instead of
/// ending the process by SIGXFSZ.
fn survive_limits() {
    #[cfg(unix)]
    {
        let flag = Arc::new(AtomicBool::new(false));
        let handled = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, flag);
        // without a handler such a write ends the process, as it does with most programs
        drop(handled);
    }
}

/// The tables' library panics on a number of threads that it cannot use.
fn usable_environment() -> anyhow::Result<()> {
    const THREADS: &str = "POLARS_MAX_THREADS";
    let Some(threads) = std::env::var_os(THREADS) else {
        return Ok(());
    };
    let number = threads.to_str().and_then(|text| text.parse().ok());
    match number {
        Some(1..=1_024_u32) => Ok(()),
        _ => anyhow::bail!(
            "{THREADS}: `{}` is not a number of threads: use 1 to 1024, or leave it unset",
            threads.display()
        ),
    }
}

fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Coverage(arguments) => coverage::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Investigate(arguments) => investigate::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Privileges(arguments) => privileges::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Guide(arguments) => guide::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions { shell } => {
            // clap_complete panics when its writer fails, and a closed pipe is no error
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "trailscan", &mut script);
            let script = String::from_utf8_lossy(&script);
            print(&TerminalText::from_escaped(format_args!("{script}"))).map(|()| Exit::Done)
        }
    }
}

/// Says what is wrong with the arguments, or shows the help that they ask for. File names that a shell put
/// in place of `*` are no more to be trusted than those in a bucket.
pub fn explain_usage(error: &clap::Error) -> ExitCode {
    let hidden = |argument: std::ffi::OsString| argument.to_string_lossy().contains(is_hidden);
    if error.use_stderr() && std::env::args_os().any(hidden) {
        let message = TerminalText::message(&error.render().to_string());
        warn(&text!("{}\n", message));
    } else {
        // when standard error itself is gone there is nobody left to tell
        drop(error.print());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::NotStarted as u8))
}

/// Says what went wrong, with its causes.
fn print_error(error: &anyhow::Error) {
    let bold = anstyle::AnsiColor::Red.on_default().bold();
    let reset = text!("{:#}", bold);
    let message = text!("{}error:{} {}\n", bold, reset, error);
    warn(&fitted(&message, &std::io::stderr()));
}

/// A remark on standard error.
fn note(remark: &TerminalText) {
    warn(&fitted(&text!("note: {}\n", remark), &std::io::stderr()));
}

/// How wide lines may be: `COLUMNS` if it is set, else the width of the terminal. `None` for a file or
/// another program, and for a terminal too narrow for anything.
fn width(stream: &impl IsTerminal) -> Option<usize> {
    const LEAST: usize = 40;
    let given = std::env::var("COLUMNS").ok();
    let given = given.and_then(|columns| columns.parse().ok());
    let terminal = || {
        let (width, _) = terminal_size::terminal_size().filter(|_| stream.is_terminal())?;
        Some(usize::from(width.0))
    };
    given.or_else(terminal).filter(|width| *width >= LEAST)
}

/// How wide the lines on standard output may be.
fn stdout_width() -> Option<usize> {
    width(&std::io::stdout())
}

/// The text in lines that fit. What goes to a file or another program keeps its lines.
fn fitted(text: &TerminalText, stream: &impl IsTerminal) -> TerminalText {
    match width(stream) {
        Some(width) => text.wrapped(width),
        None => text.clone(),
    }
}

/// Writes prose and tables to standard output, in lines that fit the terminal.
fn print_fitted(text: &TerminalText) -> anyhow::Result<()> {
    print(&fitted(text, &std::io::stdout()))
}

/// Writes to standard error. When that is gone itself there is nobody left to tell.
fn warn(message: &TerminalText) {
    let mut stderr = anstream::stderr().lock();
    drop(stderr.write_all(message.as_str().as_bytes()));
}

/// Writes a document for programs (JSON, a script) to standard output as it is. A reader that has gone away is no error: `trailscan … | head`.
fn print(result: &TerminalText) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout
        .write_all(result.as_str().as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

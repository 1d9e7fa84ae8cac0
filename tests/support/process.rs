//! Tests about the process as a whole run in one of their own.

#[cfg(target_os = "linux")]
use std::fs;
use std::{env, ffi::OsStr, process::Command};

/// True in a process that runs nothing but the test of this path, where its body belongs. Elsewhere: runs the test in
/// such a process, with these variables, and says false when it has passed.
pub(crate) fn is_alone<V: AsRef<OsStr>>(test: &str, variables: &[(&str, V)]) -> bool {
    output_alone(test, variables).is_none()
}

/// `None` in a process that runs nothing but the test of this path. Elsewhere: what such a process has printed.
pub(crate) fn output_alone<V: AsRef<OsStr>>(test: &str, variables: &[(&str, V)]) -> Option<String> {
    // The path of a test begins with its crate's name, which the test harness leaves out.
    let (_, test) = test.split_once("::").expect("a path");
    if env::var_os(MARK).is_some_and(|mark| mark == test) {
        return None;
    }
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args([test, "--exact", "--nocapture"]).env(MARK, test);
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = command.output().expect("this program can be run");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{test} failed in its own process: {out}{err}");
    Some(format!("{out}{err}"))
}

/// The names of the threads of this process.
#[cfg(target_os = "linux")]
pub(crate) fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    // A thread may end between the listing and the look.
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|n| n.trim().to_owned())
        .collect()
}

/// How many file descriptors this process has open.
#[cfg(target_os = "linux")]
pub(crate) fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

/// `$body` runs in a process of its own.
#[cfg(target_os = "linux")]
macro_rules! alone {
    ($test:ident) => {
        if !$crate::support::process::is_alone::<&str>(concat!(module_path!(), "::", stringify!($test)), &[]) {
            return;
        }
    };
}
#[cfg(target_os = "linux")]
pub(crate) use alone;

const MARK: &str = "MCP_CLIENT_TEST_ALONE";

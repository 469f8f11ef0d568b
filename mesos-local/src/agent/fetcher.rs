//! Brings the URIs of a command into its sandbox before it starts.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use mesos_proto::v1::{CommandInfo, command_info::Uri};
use tokio::process::Command;

use super::sandbox::Sandbox;

/// Fetches everything, in order.
///
/// # Errors
/// A URI could not be fetched; the stderr of the sandbox says why.
pub(super) async fn fetch_all(
    command: &CommandInfo,
    sandbox: &Sandbox,
    container: &str,
) -> Result<(), String> {
    for uri in &command.uris {
        if let Err(error) = fetch(uri, sandbox).await {
            // Without a sandbox there is nowhere to say it.
            let _ = sandbox.complain(&format!("Failed to fetch '{}': {error}\n", uri.value));
            return Err(format!(
                "Failed to fetch all URIs for container '{container}': exited with status 1"
            ));
        }
    }
    Ok(())
}

async fn fetch(uri: &Uri, sandbox: &Sandbox) -> io::Result<()> {
    let target = sandbox.directory.join(file_name(uri)?);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    match local_path(&uri.value) {
        Some(path) => {
            let to = target.clone();
            // A file can be large.
            tokio::task::spawn_blocking(move || fs::copy(path, to)).await.map_err(io::Error::other)??;
        }
        None => {
            let target = target.as_os_str().to_owned();
            let arguments =
                ["-sS".into(), "-f".into(), "-L".into(), "-o".into(), target, uri.value.clone().into()];
            run("curl", arguments, sandbox).await?;
        }
    }
    if uri.executable() {
        let mut permissions = fs::metadata(&target)?.permissions();
        permissions.set_mode(permissions.mode() | 0o111);
        return fs::set_permissions(&target, permissions);
    }
    if uri.extract() { extract(&target, sandbox).await } else { Ok(()) }
}

/// The path of a file of this machine; `None` for everything that has to be asked for over the network.
fn local_path(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    let path = path.strip_prefix("localhost").unwrap_or(path);
    path.starts_with('/').then(|| path.into())
}

/// Where a URI goes within the sandbox: its last part, or the name that is given for it.
fn file_name(uri: &Uri) -> io::Result<PathBuf> {
    let refused = |text| io::Error::new(io::ErrorKind::InvalidInput, text);
    if let Some(name) = &uri.output_file {
        let path = Path::new(name);
        let stays = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        return if stays && !name.is_empty() { Ok(path.into()) } else { Err(refused("its name leads out")) };
    }
    let end = uri.value.find(['?', '#']).unwrap_or(uri.value.len());
    let name = uri.value[..end].rsplit('/').next().unwrap_or_default();
    if matches!(name, "" | "." | "..") {
        return Err(refused("it has no file name"));
    }
    Ok(name.into())
}

/// Unpacks archives, which real agents know by the ends of their names.
async fn extract(file: &Path, sandbox: &Sandbox) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let path = file.as_os_str().to_owned();
    if ends(&[".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"]) {
        run("tar", ["-xf".into(), path], sandbox).await
    } else if ends(&[".zip"]) {
        run("unzip", ["-oq".into(), path], sandbox).await
    } else if ends(&[".gz"]) {
        run("gunzip", ["-kf".into(), path], sandbox).await
    } else {
        Ok(())
    }
}

async fn run<const N: usize>(
    program: &str,
    arguments: [std::ffi::OsString; N],
    sandbox: &Sandbox,
) -> io::Result<()> {
    let append = |path| fs::OpenOptions::new().append(true).open(path);
    let status = Command::new(program)
        .args(arguments)
        .current_dir(&sandbox.directory)
        .stdin(Stdio::null())
        .stdout(append(&sandbox.stdout)?)
        .stderr(append(&sandbox.stderr)?)
        .kill_on_drop(true)
        .status()
        .await?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program} ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_become_names_within_the_sandbox() {
        for (value, output_file, expected) in [
            ("http://example.com/a/b.tgz", None, Some("b.tgz")),
            ("http://example.com/a/b.tgz?x=/y", None, Some("b.tgz")),
            ("/opt/tool", None, Some("tool")),
            ("/opt/tool", Some("bin/mine"), Some("bin/mine")),
            ("/opt/tool", Some("../mine"), None),
            ("/opt/tool", Some("/etc/mine"), None),
            ("/opt/tool", Some(""), None),
            ("http://example.com/", None, None),
            ("/opt/..", None, None),
        ] {
            let uri = Uri { value: value.into(), output_file: output_file.map(Into::into), ..Uri::default() };
            assert_eq!(file_name(&uri).ok(), expected.map(PathBuf::from), "{value} {output_file:?}");
        }
    }

    #[test]
    fn files_of_the_machine_are_told_from_others() {
        for (value, expected) in [
            ("/opt/tool", Some("/opt/tool")),
            ("file:///opt/tool", Some("/opt/tool")),
            ("file://localhost/opt/tool", Some("/opt/tool")),
            ("http://example.com/tool", None),
            ("tool", None),
        ] {
            assert_eq!(local_path(value), expected.map(PathBuf::from), "{value}");
        }
    }
}

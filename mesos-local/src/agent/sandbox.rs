//! Where tasks work and write, and what of it may be read from outside.

use std::{
    fs,
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
};

/// The sandboxes of one agent:
/// `<work_dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>`.
#[derive(Clone, Debug)]
pub(crate) struct Sandboxes {
    /// `<work_dir>/slaves/<agent>`, without symbolic links.
    root: PathBuf,
}

/// The directory of one run.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    pub(super) directory: PathBuf,
    pub(super) stdout: PathBuf,
    pub(super) stderr: PathBuf,
    /// That of the executor, for a task within it.
    pub(super) parent: Option<PathBuf>,
}

impl Sandbox {
    /// Makes the sandbox of a task within that of its executor, `containers/<container>`, and points
    /// `tasks/<task>` to it.
    pub(super) fn nested(&self, task: &str, container: &str) -> io::Result<Self> {
        let directory = self.directory.join("containers").join(container);
        let tasks = self.directory.join("tasks");
        fs::create_dir_all(&directory)?;
        fs::create_dir_all(&tasks)?;
        let link = tasks.join(task);
        // An id that was used before means the later task.
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {
                std::os::unix::fs::symlink(Path::new("../containers").join(container), &link)?;
            }
        }
        Ok(Self { parent: Some(self.directory.clone()), ..Self::with_outputs(directory)? })
    }

    fn with_outputs(directory: PathBuf) -> io::Result<Self> {
        let (stdout, stderr) = (directory.join("stdout"), directory.join("stderr"));
        fs::File::create(&stdout)?;
        fs::File::create(&stderr)?;
        Ok(Self { directory, stdout, stderr, parent: None })
    }

    /// Adds a text to what the task says on stderr.
    pub(super) fn complain(&self, text: &str) -> io::Result<()> {
        fs::OpenOptions::new().append(true).open(&self.stderr)?.write_all(text.as_bytes())
    }
}

impl Sandboxes {
    /// Makes the directory of an agent.
    pub(crate) fn create(work_dir: &Path, agent: &str) -> io::Result<Self> {
        let root = work_dir.join("slaves").join(agent);
        fs::create_dir_all(&root)?;
        Ok(Self { root: root.canonicalize()? })
    }

    /// Where a volume is that outlives its tasks.
    pub(super) fn persistent_volume(&self, role: &str, id: &str) -> PathBuf {
        self.root.join("volumes").join("roles").join(role).join(id)
    }

    /// Makes the sandbox of a run, with its two files, and points `runs/latest` to it.
    ///
    /// The names are single components of a path: the master checked them.
    pub(super) fn new_run(&self, framework: &str, executor: &str, container: &str) -> io::Result<Sandbox> {
        let runs = self.root.join("frameworks").join(framework).join("executors").join(executor).join("runs");
        let directory = runs.join(container);
        fs::create_dir_all(&directory)?;
        let latest = runs.join("latest");
        match fs::remove_file(&latest) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => std::os::unix::fs::symlink(container, &latest)?,
        }
        Sandbox::with_outputs(directory)
    }

    /// Finds a file by its virtual path (`/frameworks/…/runs/latest/stdout`) or its real one. `None` for
    /// everything that is not inside the sandbox of a run, also when `..` or a link leads there.
    pub(crate) fn resolve(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        let inside = path.strip_prefix(&self.root).or_else(|_| path.strip_prefix("/")).ok()?;
        let names: Option<Vec<_>> = inside
            .components()
            .map(|component| match component {
                Component::Normal(name) => Some(name),
                Component::ParentDir | Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
            })
            .collect();
        let names = names?;
        let [frameworks, framework, executors, executor, runs, run, ..] = names.as_slice() else {
            return None;
        };
        if *frameworks != "frameworks" || *executors != "executors" || *runs != "runs" {
            return None;
        }
        let all_runs = self.root.join(frameworks).join(framework).join(executors).join(executor).join(runs);
        let sandbox = all_runs.join(run).canonicalize().ok()?;
        if sandbox.parent() != Some(all_runs.as_path()) {
            return None;
        }
        let file = self.root.join(inside).canonicalize().ok()?;
        file.starts_with(&sandbox).then_some(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_path_leads_out_of_a_sandbox() {
        let work = tempfile::tempdir().unwrap();
        let sandboxes = Sandboxes::create(work.path(), "S0").unwrap();
        let run = sandboxes.new_run("fw", "task", "c1").unwrap();
        let other = sandboxes.new_run("fw", "other", "c2").unwrap();
        fs::write(work.path().join("secret"), "secret").unwrap();
        symlink(work.path().join("secret"), run.directory.join("out")).unwrap();
        symlink(&other.directory, run.directory.join("neighbour")).unwrap();
        symlink("stdout", run.directory.join("link")).unwrap();
        symlink(work.path(), run.directory.parent().unwrap().join("faked")).unwrap();

        let stdout = run.directory.canonicalize().unwrap().join("stdout");
        let latest = "/frameworks/fw/executors/task/runs/latest";
        for good in [
            format!("{latest}/stdout"),
            "/frameworks/fw/executors/task/runs/c1/stdout".into(),
            format!("{latest}/link"),
            stdout.display().to_string(),
        ] {
            assert_eq!(sandboxes.resolve(&good), Some(stdout.clone()), "{good}");
        }
        for bad in [
            format!("{latest}/out"),
            format!("{latest}/neighbour/stdout"),
            format!("{latest}/../../../other/runs/latest/stdout"),
            format!("{latest}/../latest/stdout"),
            format!("{latest}/nothing"),
            "/frameworks/fw/executors/task/runs/faked/secret".into(),
            "/frameworks/fw/executors/task/runs".into(),
            "/frameworks/fw".into(),
            "/".into(),
            "".into(),
            "/etc/passwd".into(),
            work.path().join("secret").display().to_string(),
            work.path().join("slaves/S0/../../secret").display().to_string(),
        ] {
            assert_eq!(sandboxes.resolve(&bad), None, "{bad}");
        }
    }

    #[test]
    fn latest_is_the_last_run() {
        let work = tempfile::tempdir().unwrap();
        let sandboxes = Sandboxes::create(work.path(), "S0").unwrap();
        sandboxes.new_run("fw", "task", "c1").unwrap();
        let last = sandboxes.new_run("fw", "task", "c2").unwrap();
        let found = sandboxes.resolve("/frameworks/fw/executors/task/runs/latest/stderr");
        assert_eq!(found, Some(last.directory.canonicalize().unwrap().join("stderr")));
    }
}

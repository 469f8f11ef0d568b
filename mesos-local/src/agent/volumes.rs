//! Volumes of a task: links in its sandbox, because nothing is mounted here.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use mesos_proto::v1::{
    Resource, TaskInfo, Volume,
    volume::source::{self, sandbox_path},
};

use super::sandbox::{Sandbox, Sandboxes};

/// Puts the volumes of a task, and the persistent ones among its resources, into its sandbox.
///
/// # Errors
/// Says which volume cannot be had. Only a task with a file system of its own could have one at an absolute path.
pub(super) fn link_all(task: &TaskInfo, sandbox: &Sandbox, sandboxes: &Sandboxes) -> Result<(), String> {
    for volume in task.container.iter().flat_map(|container| &container.volumes) {
        let source = source_of(volume, sandbox)?;
        link(&volume.container_path, source, sandbox)?;
    }
    for (resource, volume, id) in task.resources.iter().filter_map(persistent) {
        let role = resource.reserved_role().unwrap_or("*");
        link(&volume.container_path, sandboxes.persistent_volume(role, id), sandbox)?;
    }
    Ok(())
}

/// The volume of a resource, and the id by which it outlives the task.
fn persistent(resource: &Resource) -> Option<(&Resource, &Volume, &str)> {
    let disk = resource.disk.as_ref()?;
    Some((resource, disk.volume.as_ref()?, disk.persistence.as_ref()?.id.as_str()))
}

/// Where the files of a volume are.
fn source_of(volume: &Volume, sandbox: &Sandbox) -> Result<PathBuf, String> {
    let refused = |what: &str| Err(format!("{what} volumes are not supported by this agent"));
    if let Some(path) = &volume.host_path {
        return host_path(path, sandbox);
    }
    let Some(source) = &volume.source else {
        return refused(if volume.image.is_some() { "image" } else { "empty" });
    };
    match source.r#type() {
        source::Type::HostPath => {
            let path = source.host_path.as_ref().map_or("", |host| host.path.as_str());
            host_path(path, sandbox)
        }
        source::Type::SandboxPath => {
            let given = source.sandbox_path.as_ref();
            let path = given.map_or("", |given| given.path.as_str());
            let path = inner(path).ok_or_else(|| {
                format!("Path '{path}' in SANDBOX_PATH volume must be relative and stay inside")
            })?;
            match given.map(source::SandboxPath::r#type) {
                Some(sandbox_path::Type::Self_) => Ok(sandbox.directory.join(path)),
                Some(sandbox_path::Type::Parent) => match &sandbox.parent {
                    Some(parent) => Ok(parent.join(path)),
                    None => {
                        Err("SANDBOX_PATH volume with PARENT type is not allowed for top level container"
                            .into())
                    }
                },
                Some(sandbox_path::Type::Unknown) | None => refused("unknown"),
            }
        }
        source::Type::DockerVolume => refused("Docker"),
        source::Type::Secret => refused("secret"),
        source::Type::CsiVolume => refused("CSI"),
        source::Type::Unknown => refused("unknown"),
    }
}

/// A path of the machine; one that is relative is in the sandbox.
fn host_path(path: &str, sandbox: &Sandbox) -> Result<PathBuf, String> {
    if path.starts_with('/') {
        return Ok(path.into());
    }
    inner(path)
        .map(|path| sandbox.directory.join(path))
        .ok_or_else(|| format!("the host path '{path}' of a volume leads out of the sandbox"))
}

/// Makes the source if it is not there, as Mesos does, and a link to it.
fn link(container_path: &str, source: PathBuf, sandbox: &Sandbox) -> Result<(), String> {
    let Some(path) = inner(container_path) else {
        return Err(format!(
            "a volume at '{container_path}' needs a file system of its own, which tasks of this agent do not have"
        ));
    };
    let target = sandbox.directory.join(path);
    let made = (|| -> io::Result<()> {
        if !source.exists() {
            fs::create_dir_all(&source)?;
        }
        if target == source {
            return Ok(());
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        symlink(&source, &target)
    })();
    made.map_err(|error| format!("the volume at '{container_path}' cannot be made: {error}"))
}

/// A path that stays below where it begins.
fn inner(path: &str) -> Option<&Path> {
    let path = Path::new(path);
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (stays && path.components().next().is_some()).then_some(path)
}

#[cfg(test)]
mod tests {
    use mesos_proto::v1::{ContainerInfo, volume::Source};

    use super::*;

    fn volume(container_path: &str, host_path: &str) -> Volume {
        Volume {
            container_path: container_path.into(),
            host_path: Some(host_path.into()),
            ..Volume::default()
        }
    }

    fn sandbox_path(kind: sandbox_path::Type, path: &str) -> Volume {
        let given = source::SandboxPath { r#type: Some(kind.into()), path: path.into() };
        let source = Source {
            r#type: Some(source::Type::SandboxPath.into()),
            sandbox_path: Some(given),
            ..Source::default()
        };
        Volume { container_path: "here".into(), source: Some(source), ..Volume::default() }
    }

    fn task(volume: Volume) -> TaskInfo {
        let container = ContainerInfo { volumes: vec![volume], ..ContainerInfo::default() };
        TaskInfo { container: Some(container), ..TaskInfo::default() }
    }

    #[test]
    fn volumes_are_links_in_the_sandbox() {
        let work = tempfile::tempdir().unwrap();
        let sandboxes = Sandboxes::create(work.path(), "S0").unwrap();
        let parent = sandboxes.new_run("fw", "pod", "c1").unwrap();
        let files = work.path().join("files");
        let named = |path: &Path| path.canonicalize().unwrap();
        for (number, volume, leads_to) in [
            (1, volume("here", files.to_str().unwrap()), Some(files.clone())),
            (2, sandbox_path(sandbox_path::Type::Parent, "shared"), Some(parent.directory.join("shared"))),
            (3, volume("/etc/here", "/tmp"), None),
            (4, volume("../here", "/tmp"), None),
            (5, sandbox_path(sandbox_path::Type::Self_, "../out"), None),
            (6, Volume { container_path: "here".into(), ..Volume::default() }, None),
        ] {
            let sandbox = parent.nested(&format!("t{number}"), &format!("n{number}")).unwrap();
            let linked = link_all(&task(volume), &sandbox, &sandboxes);
            assert_eq!(linked.is_ok(), leads_to.is_some(), "{number}: {linked:?}");
            if let Some(leads_to) = leads_to {
                assert_eq!(named(&sandbox.directory.join("here")), named(&leads_to), "{number}");
            }
        }
        let top = link_all(&task(sandbox_path(sandbox_path::Type::Parent, "x")), &parent, &sandboxes);
        assert!(top.unwrap_err().contains("top level container"));
    }
}

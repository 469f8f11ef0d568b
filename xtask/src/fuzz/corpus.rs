//! Folders of inputs.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of a folder, in the order of their names; none if there is no such folder.
pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let fail = |error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Replaces the inputs of a corpus that libFuzzer named, and returns how many there were and are. What
/// somebody gave a name is a test, and stays.
pub(crate) fn replace(corpus: &Path, smallest: &Path) -> Result<(usize, usize), String> {
    let before = files_of(corpus)?;
    for path in before.iter().filter(|path| is_named_by_content(path)) {
        fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    for path in files_of(smallest)? {
        let name = path.file_name().ok_or_else(|| format!("'{}' has no name", path.display()))?;
        fs::copy(&path, corpus.join(name)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok((before.len(), files_of(corpus)?.len()))
}

/// Whether the name is one that libFuzzer gives: the SHA-1 of the input.
fn is_named_by_content(path: &Path) -> bool {
    const DIGITS: usize = 40;
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_inputs_stay_and_the_others_are_replaced() {
        let (old, new) = ("0".repeat(40), "a1".repeat(20));
        let folder = tempfile::tempdir().unwrap();
        let (corpus, smallest) = (folder.path().join("corpus"), folder.path().join("smallest"));
        fs::create_dir_all(&corpus).unwrap();
        fs::create_dir_all(&smallest).unwrap();
        fs::write(corpus.join(&old), "old").unwrap();
        fs::write(corpus.join("nested-groups"), "named").unwrap();
        fs::write(smallest.join(&new), "new").unwrap();

        assert_eq!(replace(&corpus, &smallest), Ok((2, 2)));
        let expected = [corpus.join(&new), corpus.join("nested-groups")];
        assert_eq!(files_of(&corpus).unwrap(), expected);
        assert_eq!(fs::read(corpus.join(&new)).unwrap(), b"new");
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(files_of(&folder.path().join("none")), Ok(Vec::new()));
    }
}

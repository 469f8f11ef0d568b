//! Names of images, as OpenWhisk reads and completes them.

/// The parts of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ImageName<'a> {
    registry: Option<&'a str>,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

/// The name with a registry before it, unless it has one of its own or `registry` is empty. Unlike OpenWhisk a digest is
/// kept: who names one means exactly that image.
pub(super) fn resolve(name: &str, registry: &str) -> Result<String, String> {
    let image = parse(name).ok_or_else(|| {
        format!(
            "could not parse image name '{}', expected [registry/]path/name[:tag] in lower case",
            name.escape_debug()
        )
    })?;
    let registry = image.registry.unwrap_or(registry.trim_end_matches('/'));
    let mut resolved = String::new();
    if !registry.is_empty() {
        resolved.push_str(registry);
        resolved.push('/');
    }
    resolved.push_str(image.path);
    for (sign, part) in [(':', image.tag), ('@', image.digest)] {
        if let Some(part) = part {
            resolved.push(sign);
            resolved.push_str(part);
        }
    }
    Ok(resolved)
}

fn parse(name: &str) -> Option<ImageName<'_>> {
    let (rest, digest) = match name.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (name, None),
    };
    let (rest, tag) = match rest.rsplit_once(':') {
        // Otherwise it is the port of a registry.
        Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
        _ => (rest, None),
    };
    let (registry, path) = match rest.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) => (Some(first), path),
        _ => (None, rest),
    };
    let is_good = path.split('/').all(is_component)
        && registry.is_none_or(is_registry)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    is_good.then_some(ImageName { registry, path, tag, digest })
}

/// Lower case letters and digits, with single separators between them.
fn is_component(text: &str) -> bool {
    let is_inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    text.starts_with(is_inner)
        && text.ends_with(is_inner)
        && text.chars().all(|letter| is_inner(letter) || "._-".contains(letter))
        && !["..", "._", "_.", ".-", "-.", "-_", "_-", "___"].iter().any(|wrong| text.contains(wrong))
}

fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        label.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            && label.ends_with(|letter: char| letter.is_ascii_alphanumeric())
            && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    };
    host.split('.').all(is_label) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_tag(text: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.len() <= 128
        && text.starts_with(is_word)
        && text.chars().all(|letter| is_word(letter) || ".-".contains(letter))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && algorithm.chars().all(|letter| letter.is_ascii_alphanumeric() || "+._-".contains(letter))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_registry_wins_and_nothing_is_added_that_was_not_there() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let with_digest = format!("img@{digest}");
        for (name, registry, resolved) in [
            ("openwhisk/action-nodejs-v20", "", "openwhisk/action-nodejs-v20"),
            (
                "openwhisk/action-nodejs-v20:nightly",
                "reg.example:5000",
                "reg.example:5000/openwhisk/action-nodejs-v20:nightly",
            ),
            ("img", "reg.example/team/", "reg.example/team/img"),
            ("other.example/img:1", "reg.example", "other.example/img:1"),
            ("localhost:5000/img", "reg.example", "localhost:5000/img"),
            ("localhost/img", "reg.example", "reg.example/localhost/img"),
            ("a/b/c__d", "", "a/b/c__d"),
            (&with_digest, "r.io", &format!("r.io/{with_digest}")),
        ] {
            assert_eq!(resolve(name, registry).as_deref(), Ok(resolved), "{name}");
        }
    }

    #[test]
    fn what_docker_refuses_is_refused_with_the_name() {
        for name in [
            "",
            "Img",
            "a//b",
            "a/",
            "/a",
            "img:",
            "img:a b",
            "img@sha256:1",
            "reg.example:x/img",
            "a..b",
            "http://a.b/c",
        ] {
            let error = resolve(name, "").unwrap_err();
            assert!(error.starts_with(&format!("could not parse image name '{name}'")), "{error}");
        }
    }
}

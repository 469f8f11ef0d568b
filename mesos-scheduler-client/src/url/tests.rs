//! Every form of a URL and of a redirect, and what is said of wrong ones.

use super::*;
use crate::Masters;

#[test]
fn urls_of_masters_are_read() {
    for (text, host, port, path) in [
        ("http://a:5050", "a", 5050, ""),
        ("a:5050", "a", 5050, ""),
        ("  http://a.b-c_d:1/  ", "a.b-c_d", 1, "/"),
        ("HTTP://a:80", "a", 80, ""),
        ("http://[::1]:5050/mesos", "::1", 5050, "/mesos"),
        ("[fe80::1]:65535", "fe80::1", 65535, ""),
        ("10.0.0.1:5050/x//y?z=1", "10.0.0.1", 5050, "/x//y?z=1"),
        ("10.0.0.1:5050/x://y", "10.0.0.1", 5050, "/x://y"),
    ] {
        let url: HttpUrl = text.parse().unwrap();
        assert_eq!((url.endpoint().host(), url.endpoint().port(), url.path()), (host, port, path), "{text}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn the_scheme_is_kept() {
    for (text, scheme, printed) in [
        ("https://a:5050/p", Scheme::Https, "https://a:5050/p"),
        ("HTTPS://[::1]:5050", Scheme::Https, "https://[::1]:5050"),
        ("http://a:443", Scheme::Http, "http://a:443"),
        ("a:443", Scheme::Http, "http://a:443"),
    ] {
        let url: HttpUrl = text.parse().unwrap();
        assert_eq!((url.endpoint().scheme(), url.to_string().as_str()), (scheme, printed));
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_needs_a_feature() {
    let error = "https://a:5050".parse::<HttpUrl>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid URL 'https://a:5050': https:// needs the feature 'tls', which this build is without"
    );
}

#[test]
fn a_wrong_url_is_shown_with_what_was_expected() {
    for (text, message) in [
        ("", "invalid URL '': it is empty, expected http://host:port or https://host:port"),
        (
            "zk://u:secret@a:2181/mesos",
            "invalid URL 'zk://***@a:2181/mesos': zk:// stands for all masters of a cluster and belongs \
             alone in the place of their list, expected http://host:port or https://host:port",
        ),
        (
            "ftp://a:1",
            "invalid URL 'ftp://a:1': unknown scheme 'ftp', expected http://host:port or https://host:port",
        ),
        ("://a:1", "invalid URL '://a:1': unknown scheme '', expected http://host:port or https://host:port"),
        ("http://u:secret@a:1", "invalid URL 'http://***@a:1': credentials do not belong into a URL"),
        (
            "http://:5050",
            "invalid URL 'http://:5050': it has no host, expected http://host:port or https://host:port",
        ),
        (
            "http://a",
            "invalid URL 'http://a': it has no port, expected http://host:port or https://host:port \
             (a master has 5050)",
        ),
        ("a:0", "invalid URL 'a:0': '0' is no port, expected a number from 1 to 65535"),
        ("a:+80", "invalid URL 'a:+80': '+80' is no port, expected a number from 1 to 65535"),
        (
            "a b:1",
            "invalid URL 'a b:1': 'a b' is no host, expected a name, an IPv4 address or an IPv6 address in brackets",
        ),
        (
            "[::1:5050",
            "invalid URL '[::1:5050': '[::1:5050' is no host, expected a name, an IPv4 address or an IPv6 address in brackets",
        ),
        ("a:1/\u{7}", "invalid URL 'a:1/\\u{7}': '/\\u{7}' is no path of a URL"),
    ] {
        assert_eq!(text.parse::<HttpUrl>().unwrap_err().to_string(), message);
    }
}

#[test]
fn every_form_of_location_is_followed() {
    let asked: HttpUrl = "http://standby:5050/api/v1/scheduler".parse().unwrap();
    for (location, target) in [
        ("//leader:5051/master/api/v1/scheduler", "http://leader:5051/master/api/v1/scheduler"),
        ("//leader:5051", "http://leader:5051/api/v1/scheduler"),
        ("//leader:5051/", "http://leader:5051/api/v1/scheduler"),
        ("//leader", "http://leader:80/api/v1/scheduler"),
        ("http://leader:5051/any/path?x=1", "http://leader:5051/any/path?x=1"),
        ("leader:5051", "http://leader:5051/api/v1/scheduler"),
        ("leader:5051/p", "http://leader:5051/p"),
        ("//[::1]:5051/p", "http://[::1]:5051/p"),
        ("/master/api/v1/scheduler", "http://standby:5050/master/api/v1/scheduler"),
    ] {
        assert_eq!(asked.resolve(location).unwrap().to_string(), target, "{location}");
    }
    for location in ["", "ftp://leader:5051/", "zk://leader:2181/mesos", "//", "//leader:x", "///p"] {
        assert!(asked.resolve(location).is_err(), "{location}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn only_a_location_in_full_changes_the_scheme() {
    for (asked, location, target) in [
        ("https://a:5050/p", "//b:5051/q", "https://b:5051/q"),
        ("https://a:5050/p", "//b/q", "https://b:443/q"),
        ("https://a:5050/p", "b:5051", "https://b:5051/p"),
        ("https://a:5050/p", "/q", "https://a:5050/q"),
        ("https://a:5050/p", "http://b:5051/q", "http://b:5051/q"),
        ("https://a:5050/p", "http://b/q", "http://b:80/q"),
        ("http://a:5050/p", "https://b:5051", "https://b:5051/p"),
        ("http://a:5050/p", "https://b/q", "https://b:443/q"),
    ] {
        let asked: HttpUrl = asked.parse().unwrap();
        assert_eq!(asked.resolve(location).unwrap().to_string(), target, "{location}");
    }
}

#[test]
fn an_api_path_is_appended_once() {
    for (base, url) in [
        ("http://a:1", "http://a:1/api/v1/scheduler"),
        ("http://a:1/", "http://a:1/api/v1/scheduler"),
        ("http://a:1/mesos/", "http://a:1/mesos/api/v1/scheduler"),
        ("http://a:1/master/api/v1/scheduler", "http://a:1/master/api/v1/scheduler"),
    ] {
        let base: HttpUrl = base.parse().unwrap();
        assert_eq!(base.with_api_path("/api/v1/scheduler").to_string(), url);
    }
}

/// What says a part of it is found by these pieces.
const PIECES: [&str; 2] = ["SEC", "RET"];

#[test]
fn no_part_of_a_password_is_shown_whatever_it_holds() {
    let standby: HttpUrl = "http://standby:5050".parse().unwrap();
    for separator in
        ["", "/", "?", "#", "//", "://", ",", ":", "@", ",zk://", ":1/", ":1,http://b:2/", " ", "\n"]
    {
        for before in [
            "http://u:",
            "HTTP://u:",
            "https://u:",
            "u:",
            "",
            "//u:",
            "ftp://u:",
            "a:1,http://u:",
            " http://u:",
        ] {
            let text = format!("{before}SEC{separator}RET@a:5050");
            let url = text.parse::<HttpUrl>().unwrap_err();
            let masters = Masters::parse(&text).unwrap_err();
            let mut shown = format!("{url} {url:?} {masters} {masters:?}");
            if let Err(error) = standby.resolve(&text) {
                shown.push_str(&format!("{error} {error:?}"));
            }
            assert!(!PIECES.iter().any(|piece| shown.contains(piece)), "{text}: {shown}");
            assert!(shown.contains("***@a:5050"), "{text}: {shown}");
        }
    }
}

#[test]
fn no_part_of_the_password_of_a_group_is_shown() {
    for text in [
        "zk://u:SEC,RET@h/mesos",
        "zk://u:SEC/RET@h",
        "zk://u:SEC://RET@h//m",
        "zk://SEC,RET@h/mesos",
        "zk:/u:SEC,RET@h:1",
        "ZK://u:SEC,RET@h/mesos",
        " Zk://u:SEC,RET@h//m",
    ] {
        let shown = match Masters::parse(text) {
            Ok(masters) => format!("{masters:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!PIECES.iter().any(|piece| shown.contains(piece)), "{text}: {shown}");
    }
    let error = "ZK://u:SEC,RET@h/mesos".parse::<HttpUrl>().unwrap_err();
    assert!(error.to_string().starts_with("invalid URL 'ZK://***@h/mesos': zk:// stands for"), "{error}");
}

#[test]
fn of_a_long_location_the_beginning_is_shown() {
    let asked: HttpUrl = "http://standby:5050".parse().unwrap();
    let long = "x".repeat(100_000);
    for location in [
        format!("//{long}!:1"),
        format!("//a:{long}"),
        format!("{long}://a:1"),
        format!("//[{long}"),
        format!("/{long}\u{7}"),
        format!("/{long}"),
    ] {
        let error = asked.resolve(&location).unwrap_err();
        assert!(error.to_string().len() < 700, "{} bytes", error.to_string().len());
        assert!(format!("{error:?}").len() < 700);
        assert!(error.to_string().contains("x…'"), "{error}");
    }
}

#[test]
fn a_path_leaves_room_for_that_of_an_api() {
    let longest = format!("http://a:1/{}", "p".repeat(LONGEST_PATH - 1));
    let url: HttpUrl = longest.parse().unwrap();
    let api = url.with_api_path("/api/v1/scheduler");
    assert!(api.path().parse::<PathAndQuery>().is_ok());
    let error = format!("{longest}p").parse::<HttpUrl>().unwrap_err().to_string();
    assert!(error.ends_with("pp…': its path has 32769 bytes, expected at most 32768"), "{error}");
}

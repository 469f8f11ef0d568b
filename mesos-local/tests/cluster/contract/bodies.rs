//! The bodies that the table of the contract describes in words.

use mesos_proto::v1::{
    self,
    scheduler::{Call, call},
};
use prost::Message as _;

use super::{Row, World};
use crate::client::framework;

const CAPABILITIES: &str = r#""capabilities":[{"type":"MULTI_ROLE"}]"#;

fn subscribe(info: &str) -> String {
    format!(r#"{{"type":"SUBSCRIBE","subscribe":{{"framework_info":{{{info}}}}}}}"#)
}

fn valid_info() -> String {
    format!(r#""user":"nobody","name":"demo","roles":["web"],{CAPABILITIES}"#)
}

/// The body of a row, by its number.
pub(super) fn request_body(world: &World, row: &Row) -> Option<Vec<u8>> {
    let id = &world.framework.framework_id.value;
    let valid = || subscribe(&valid_info());
    let of = |framework: &str, call: &str| {
        let id = format!(r#""framework_id":{{"value":"{framework}"}}"#);
        call.replacen('{', &format!("{{{id},"), 1).replace(",}", "}")
    };
    let own = |call: &str| of(id, call);
    let acknowledge = |uuid: &str| {
        own(&format!(
            r#"{{"type":"ACKNOWLEDGE","acknowledge":{{"agent_id":{{"value":"a"}},"task_id":{{"value":"t"}},"uuid":"{uuid}"}}}}"#
        ))
    };
    let update = |info: &str, more: &str| {
        own(&format!(
            r#"{{"type":"UPDATE_FRAMEWORK","update_framework":{{"framework_info":{{"id":{{"value":"{id}"}},{info}}}{more}}}}}"#
        ))
    };
    let constraints = |regex: &str| {
        format!(
            r#","offer_constraints":{{"role_constraints":{{"web":{{"groups":[{{"attribute_constraints":[{{"selector":{{"attribute_name":"rack"}},"predicate":{{"text_matches":{{"regex":"{regex}"}}}}}}]}}]}}}}}}"#
        )
    };
    let suppress = r#"{"type":"SUPPRESS"}"#;
    let text = match row.number {
        1..=14 | 19..=29 | 35 | 102..=117 | 121 | 122 | 166 => valid(),
        15..=17 | 30 | 31 => String::new(),
        32 => return Some(vec![0xff; 4]),
        34 => {
            // Call{type: SUBSCRIBE, subscribe: {framework_info: {user: "nobody"}}}: no name.
            let info = [b"\x0a\x06".as_slice(), b"nobody"].concat();
            let subscribe = [&[0x0a, u8::try_from(info.len()).unwrap()], info.as_slice()].concat();
            let length = u8::try_from(subscribe.len()).unwrap();
            return Some([&[0x10, 1, 0x1a, length], subscribe.as_slice()].concat());
        }
        36 => {
            let call = Call {
                r#type: Some(call::Type::Subscribe.into()),
                subscribe: Some(call::Subscribe { framework_info: framework(), ..Default::default() }),
                ..Default::default()
            };
            return Some(call.encode_to_vec());
        }
        37 => r#"{"type":"SUBSCRIBE""#.into(),
        39 => "[]".into(),
        40 => r#""x""#.into(),
        41 => "null".into(),
        42 => {
            let mut bytes = valid().into_bytes();
            let at = valid().find("demo").unwrap();
            bytes[at] = 0xff;
            return Some(bytes);
        }
        44 => subscribe(r#""user":"nobody","name":7"#),
        45 => r#"{"type":"SUBSCRIBE","subscribe":[]}"#.into(),
        46 => subscribe(r#""user":"nobody","name":"demo","roles":{}"#),
        47 => subscribe(&format!(r#"{},"failover_timeout":"0""#, valid_info())),
        49 => subscribe(&format!(r#"{},"stranger":1"#, valid_info())),
        50 => own(r#"{"type":"NO_SUCH_CALL"}"#),
        51 => valid().replace("SUBSCRIBE", "subscribe"),
        52 => valid().replace("\"SUBSCRIBE\"", "1"),
        54 => subscribe(&format!(r#"{},"webui_url":null"#, valid_info())),
        55 => r#"{"type":"SUBSCRIBE","type":"TEARDOWN"}"#.into(),
        56 => "{}".into(),
        57 => r#"{"type":"SUBSCRIBE"}"#.into(),
        59 => of("x", &valid()),
        60 => subscribe(&format!(r#"{},"id":{{"value":"x"}}"#, valid_info())),
        61 => of("x", &subscribe(&format!(r#"{},"id":{{"value":"y"}}"#, valid_info()))),
        62 => of("", &subscribe(&format!(r#"{},"id":{{"value":""}}"#, valid_info()))),
        64..=79 => format!(r#"{{"type":"{}"}}"#, row.case.split(' ').next()?),
        80..=92 => own(&format!(r#"{{"type":"{}"}}"#, row.case.split(' ').next()?)),
        94 => acknowledge("AAAAAAAAAAAAAAAAAAAAAAA="),
        95 => acknowledge(""),
        96 => acknowledge("AAAAAAAAAAAAAAAAAAAAAA=="),
        97 => acknowledge("/////////////////////w=="),
        99 => acknowledge("***"),
        100 => own(
            r#"{"type":"ACKNOWLEDGE","acknowledge":{"task_id":{"value":"t"},"uuid":"R8r0xcEVQxSpfb8OJBvmXQ=="}}"#,
        ),
        101 => own(
            r#"{"type":"ACKNOWLEDGE_OPERATION_STATUS","acknowledge_operation_status":{"operation_id":{"value":"o"},"uuid":"R8r0xcEVQxSpfb8OJBvmXQ=="}}"#,
        ),
        119 => of("x", r#"{"type":"RECONCILE_OPERATIONS","reconcile_operations":{}}"#),
        120 => own(r#"{"type":"DECLINE","decline":{"offer_ids":[{"value":"x"}]}}"#),
        124 => valid().replace("\"web\"", "\"a b\""),
        125 => {
            of("never-issued", &subscribe(&format!(r#"{},"id":{{"value":"never-issued"}}"#, valid_info())))
        }
        126 => of("x", suppress),
        127 => of(&world.disconnected.0, suppress),
        130..=137 | 139 | 165 | 167 | 169..=177 | 181..=187 => own(suppress),
        140 => own(r#"{"type":"REVIVE","revive":{"roles":["nope"]}}"#),
        141 => own(r#"{"type":"ACCEPT","accept":{"offer_ids":[{"value":"x"}]}}"#),
        142 => own(r#"{"type":"ACCEPT","accept":{}}"#),
        144 => own(r#"{"type":"KILL","kill":{"task_id":{"value":"t"}}}"#),
        145 => own(r#"{"type":"RECONCILE","reconcile":{}}"#),
        146 | 147 => own(r#"{"type":"RECONCILE_OPERATIONS","reconcile_operations":{}}"#),
        149 => own(
            r#"{"type":"MESSAGE","message":{"agent_id":{"value":"a"},"executor_id":{"value":"e"},"data":"aGk="}}"#,
        ),
        150 => {
            own(r#"{"type":"SHUTDOWN","shutdown":{"agent_id":{"value":"a"},"executor_id":{"value":"e"}}}"#)
        }
        151 => update(&valid_info(), ""),
        152 => update(&valid_info(), "").replacen(
            &format!("\"framework_info\":{{\"id\":{{\"value\":\"{id}"),
            "\"framework_info\":{\"id\":{\"value\":\"x",
            1,
        ),
        154 => update(&valid_info().replace("\"web\"", "\"a b\""), ""),
        155 => update(&valid_info().replace("nobody", "daemon"), ""),
        156 => update(&format!(r#"{},"checkpoint":true"#, valid_info()), ""),
        157 => update(&format!(r#"{},"principal":"p""#, valid_info()), ""),
        159 => update(&valid_info(), &constraints("rack-([")),
        160 => update(&valid_info(), &constraints(&"r".repeat(120))),
        161 => update(&valid_info(), &constraints("r[0-9]+")),
        164 => "this is not packed".into(),
        179 => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        180 => "\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\u{1}\u{3}".into(),
        162 => {
            let call =
                Call { framework_id: Some(v1::FrameworkId::new(id)), r#type: Some(99), ..Default::default() };
            return Some(call.encode_to_vec());
        }
        191 => of("x", r#"{"type":"UNKNOWN"}"#),
        195..=207 | 215..=230 | 236 | 241 | 242 => match row.method.as_str() {
            "GET" => String::new(),
            _ => valid(),
        },
        209 => subscribe(&format!(r#"{},"principal":"mallory""#, valid_info())),
        210..=212 | 237 | 239 => own(suppress),
        214 => own(&subscribe(&format!(r#"{},"principal":"bob","id":{{"value":"{id}"}}"#, valid_info()))),
        231 | 244 => r#"{"type":"GET_HEALTH"}"#.into(),
        232..=235 => String::new(),
        240 => of(&world.disconnected.0, suppress),
        189 => of(&world.removed, suppress),
        190 => {
            let info = format!(r#"{},"id":{{"value":"{}"}}"#, valid_info(), world.removed);
            of(&world.removed, &subscribe(&info))
        }
        _ => return None,
    };
    Some(text.into_bytes())
}

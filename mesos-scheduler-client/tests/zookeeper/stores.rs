//! Framework ids in ZooKeeper.

use mesos_proto::v1::FrameworkId;
use mesos_scheduler_client::{FrameworkIdStore, StoreError, ZooKeeperStore, ZooKeeperUrl};
use zookeeper_client::{Client, Permission};

use crate::{
    group::{add, remove},
    server::{Server, eventually, within},
};

const ZNODE: &str = "/frameworks/whisk/id";

fn store(url: &ZooKeeperUrl) -> ZooKeeperStore {
    ZooKeeperStore::new(url.clone()).unwrap()
}

fn id(text: &str) -> FrameworkId {
    FrameworkId::new(text)
}

async fn load(store: &ZooKeeperStore) -> Result<Option<FrameworkId>, StoreError> {
    within("load", store.load()).await
}

async fn save(store: &ZooKeeperStore, text: &str) -> Result<(), StoreError> {
    within("save", store.save(id(text))).await
}

#[tokio::test]
async fn an_id_is_found_by_the_next_life_until_it_is_cleared() {
    let Some(server) = Server::start().await else { return };
    let url = server.url(ZNODE);
    let first = store(&url);
    assert_eq!(load(&first).await, Ok(None));
    save(&first, "f-0000").await.unwrap();
    save(&first, "f-0001").await.unwrap();
    let second = store(&url);
    assert_eq!(load(&second).await, Ok(Some(id("f-0001"))));
    save(&second, "f-0001").await.unwrap();
    within("clear", second.clear()).await.unwrap();
    within("clear", second.clear()).await.unwrap();
    assert_eq!(load(&second).await, Ok(None));
    save(&second, "f-0002").await.unwrap();
    assert_eq!(load(&second).await, Ok(Some(id("f-0002"))));
    eventually("no session is left", async || server.connections().await == 0).await;
}

#[tokio::test]
async fn the_second_of_two_lives_learns_of_the_first() {
    let Some(server) = Server::start().await else { return };
    let url = server.url(ZNODE);
    let (first, second) = (store(&url), store(&url));
    assert_eq!((load(&first).await, load(&second).await), (Ok(None), Ok(None)));
    save(&first, "f-0000").await.unwrap();
    let error = save(&second, "f-0001").await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(
        error.to_string(),
        format!("framework id: the znode {url} was changed by somebody else: it holds 'f-0000\\n'")
    );
    // It stays so until the second has looked.
    assert!(save(&second, "f-0001").await.unwrap_err().is_conflict());
    assert_eq!(load(&second).await, Ok(Some(id("f-0000"))));
    save(&second, "f-0001").await.unwrap();
    assert!(save(&first, "f-0002").await.unwrap_err().is_conflict());
    assert!(within("clear", first.clear()).await.unwrap_err().is_conflict());
    // The same id is no conflict: it may be the answer that was lost.
    save(&first, "f-0001").await.unwrap();
    // Nor is a znode that somebody removed.
    remove(&server.admin().await, ZNODE).await;
    save(&first, "f-0003").await.unwrap();
    assert_eq!(load(&second).await, Ok(Some(id("f-0003"))));
}

#[tokio::test]
async fn what_somebody_else_saved_is_not_cleared() {
    let Some(server) = Server::start().await else { return };
    let url = server.url(ZNODE);
    let (first, second) = (store(&url), store(&url));
    assert_eq!(load(&first).await, Ok(None));
    save(&second, "f-0000").await.unwrap();
    within("clear", first.clear()).await.unwrap();
    assert_eq!(load(&second).await, Ok(Some(id("f-0000"))));
    // Who has cleared what it saved has nothing to clear any more either.
    within("clear", second.clear()).await.unwrap();
    save(&first, "f-0001").await.unwrap();
    within("clear", second.clear()).await.unwrap();
    assert_eq!(load(&first).await, Ok(Some(id("f-0001"))));
    // Who has not looked yet means whatever is there.
    within("clear", store(&url).clear()).await.unwrap();
    assert_eq!(load(&first).await, Ok(None));
}

#[tokio::test]
async fn who_has_not_looked_does_not_replace_another_id() {
    let Some(server) = Server::start().await else { return };
    let url = server.url(ZNODE);
    let old = store(&url);
    save(&old, "f-0000").await.unwrap();
    let new = store(&url);
    for _ in 0..2 {
        let error = save(&new, "f-0001").await.unwrap_err();
        assert!(error.is_conflict(), "{error}");
    }
    assert_eq!(load(&old).await, Ok(Some(id("f-0000"))));
    // The same id is no conflict, and seen from there on.
    save(&new, "f-0000").await.unwrap();
    save(&new, "f-0001").await.unwrap();
    assert_eq!(load(&old).await, Ok(Some(id("f-0001"))));
}

#[tokio::test]
async fn a_znode_that_was_created_again_is_another_one() {
    let Some(server) = Server::start().await else { return };
    let url = server.url(ZNODE);
    let (old, new) = (store(&url), store(&url));
    save(&old, "f-0000").await.unwrap();
    assert_eq!(load(&new).await, Ok(Some(id("f-0000"))));
    within("clear", new.clear()).await.unwrap();
    save(&new, "f-0001").await.unwrap();
    // Both znodes had version 0 when they were seen.
    let error = save(&old, "f-0002").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let error = within("clear", old.clear()).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(load(&new).await, Ok(Some(id("f-0001"))));
}

#[tokio::test]
async fn concurrent_saves_of_one_store_take_turns() {
    let Some(server) = Server::start().await else { return };
    let store = store(&server.url(ZNODE));
    let mut saves = tokio::task::JoinSet::new();
    for n in 0..10 {
        let store = store.clone();
        saves.spawn(async move { save(&store, &format!("f-{n:04}")).await });
    }
    while let Some(saved) = saves.join_next().await {
        saved.unwrap().unwrap();
    }
    assert!(load(&store).await.unwrap().unwrap().value.starts_with("f-000"));
}

#[tokio::test]
async fn with_credentials_only_their_user_may_touch_the_id() {
    let Some(server) = Server::start().await else { return };
    let owner = store(&server.url_as("whisk:secret@", ZNODE));
    save(&owner, "f-0000").await.unwrap();
    assert_eq!(load(&owner).await, Ok(Some(id("f-0000"))));
    for credentials in ["", "whisk:wrong@"] {
        let stranger = store(&server.url_as(credentials, ZNODE));
        for error in [load(&stranger).await.unwrap_err(), save(&stranger, "f-0001").await.unwrap_err()] {
            assert!(
                error.to_string().ends_with("at the path '/frameworks/whisk/id': not authorized"),
                "{error}"
            );
            assert!(!error.to_string().contains("wrong"));
        }
    }
    let whisk = Client::connector().with_auth("digest", b"whisk:secret");
    let whisk = whisk.connect(&server.address()).await.unwrap();
    for path in ["/frameworks", "/frameworks/whisk", ZNODE] {
        let (acls, _) = whisk.get_acl(path).await.unwrap();
        assert_eq!((acls.len(), acls[0].scheme(), acls[0].permission()), (1, "digest", Permission::ALL));
    }

    let open = store(&server.url("/open"));
    save(&open, "f-0000").await.unwrap();
    let (acls, _) = whisk.get_acl("/open").await.unwrap();
    assert_eq!((acls[0].scheme(), acls[0].permission()), ("world", Permission::ALL));
}

#[tokio::test]
async fn garbage_and_a_missing_server_are_named() {
    let Some(mut server) = Server::start().await else { return };
    let url = server.url("/id");
    add(&server.admin().await, "/id", b"{\"id\":1}\n\n").await;
    let store = store(&url);
    let error = load(&store).await.unwrap_err();
    assert!(error.is_garbage());
    assert_eq!(
        error.to_string(),
        format!(
            "framework id: the znode {url} holds '{{\\\"id\\\":1}}\\n\\n', which has control characters or slashes, \
             expected one line with an id"
        )
    );
    server.kill();
    assert_eq!(
        load(&store).await.unwrap_err().to_string(),
        format!("framework id: the znode {url}: no ZooKeeper server answers at {}", server.address())
    );
}

//! A fixed address in front of a daemon that comes and goes: what nobody stands behind is closed at once, as a dead host's port is, unless
//! somebody is expected.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy)]
enum Behind {
    Nobody,
    Expected,
    Somebody(SocketAddr),
}

/// The address; dropping it closes it.
pub struct Door {
    address: SocketAddr,
    behind: watch::Sender<Behind>,
    porter: JoinHandle<()>,
}

impl Door {
    /// Opens it, with nobody behind it.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (behind, looking) = watch::channel(Behind::Nobody);
        let porter = tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                let mut looking = looking.clone();
                tokio::spawn(async move {
                    let opened = looking.wait_for(|behind| !matches!(behind, Behind::Expected)).await;
                    let Ok(Behind::Somebody(target)) = opened.map(|behind| *behind) else { return };
                    if let Ok(mut inside) = TcpStream::connect(target).await {
                        // Either side may break off: that is what the door is for.
                        drop(tokio::io::copy_bidirectional(&mut outside, &mut inside).await);
                    }
                });
            }
        });
        Self { address, behind, porter }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who stands behind it from now on.
    pub fn lead_to(&self, target: Option<SocketAddr>) {
        self.behind.send_replace(target.map_or(Behind::Nobody, Behind::Somebody));
    }

    /// Whoever comes waits for the next one: however slow a machine starts it, no vendor gives up meanwhile.
    pub fn hold(&self) {
        self.behind.send_replace(Behind::Expected);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.porter.abort();
    }
}

//! A fixed address in front of a daemon that comes and goes: what nobody stands behind is closed at once, as a dead host's port is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The address; dropping it closes it.
pub struct Door {
    address: SocketAddr,
    behind: Arc<Mutex<Option<SocketAddr>>>,
    porter: JoinHandle<()>,
}

impl Door {
    /// Opens it, with nobody behind it.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = Arc::new(Mutex::new(None));
        let looking = Arc::clone(&behind);
        let porter = tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                let target: Option<SocketAddr> = *looking.lock().unwrap();
                let Some(target) = target else { continue };
                tokio::spawn(async move {
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
        *self.behind.lock().unwrap() = target;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.porter.abort();
    }
}

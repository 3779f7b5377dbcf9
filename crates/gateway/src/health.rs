//! Whether questions over gRPC are answered, as `grpc.health.v1` tells it.

#[cfg(feature = "grpc")]
use tonic_health::{ServingStatus, server::HealthReporter};

/// The full name of the service that answers questions.
#[cfg(feature = "grpc")]
pub(crate) const SERVICE: &str = "envoy.service.auth.v3.Authorization";

/// Says over gRPC whether questions are answered. A build without gRPC tells nobody.
#[derive(Clone, Debug, Default)]
pub struct Health {
    #[cfg(feature = "grpc")]
    pub(crate) reporter: HealthReporter,
}

#[cfg(feature = "grpc")]
impl Health {
    /// Questions are answered from now on.
    pub async fn starts(&self) {
        self.reporter.set_service_status(SERVICE, ServingStatus::Serving).await;
    }

    /// The server is about to stop, so questions should go elsewhere.
    pub async fn stops(&self) {
        for name in ["", SERVICE] {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
    }

    /// The server stops now. Whoever watches has been told, so the streams end, which nothing else would end.
    pub async fn ends(&self) {
        let mut reporter = self.reporter.clone();
        for name in ["", SERVICE] {
            reporter.clear_service_status(name).await;
        }
    }
}

#[cfg(not(feature = "grpc"))]
impl Health {
    /// Questions are answered from now on.
    #[expect(clippy::unused_async, reason = "a build with gRPC waits here")]
    pub async fn starts(&self) {}

    /// The server is about to stop, so questions should go elsewhere.
    #[expect(clippy::unused_async, reason = "a build with gRPC waits here")]
    pub async fn stops(&self) {}

    /// The server stops now.
    #[expect(clippy::unused_async, reason = "a build with gRPC waits here")]
    pub async fn ends(&self) {}
}

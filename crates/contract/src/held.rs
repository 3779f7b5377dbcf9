//! What the state of a router is made of.

use std::ops::Deref;
use std::sync::Arc;

/// The parts of which handlers take those that they use, behind a type that hides theirs.
///
/// Otherwise the compiler looks for each handler, many times over, whether all that is in the parts may go from thread to
/// thread, which takes a third of the time in which the crate of the admin port is built.
pub struct Held<P>(Arc<dyn Holds<P>>);

/// Whoever has the parts.
trait Holds<P>: Send + Sync {
    fn parts(&self) -> &P;
}

impl<P: Send + Sync> Holds<P> for P {
    fn parts(&self) -> &P {
        self
    }
}

impl<P: Send + Sync + 'static> From<Arc<P>> for Held<P> {
    fn from(parts: Arc<P>) -> Self {
        Self(parts)
    }
}

impl<P> Clone for Held<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P> Deref for Held<P> {
    type Target = P;

    fn deref(&self) -> &P {
        (*self.0).parts()
    }
}

//! Calling functions.

use super::library::MAX_PARAMETERS;
use super::value::{FunctionRef, Handle, Thunk, Value};
use super::{Machine, Step};
use crate::code::{NONE, NodeId};

/// A call with its arguments bound.
pub(crate) enum Prepared {
    /// The value of a library function that was called.
    Ready(Value),
    /// The body of a function of the program, and the frame of its parameters.
    Body(NodeId, Handle),
}

impl Machine<'_> {
    /// Evaluates what is called and binds the arguments.
    pub(crate) fn prepare_call(
        &mut self,
        node: NodeId,
        target: NodeId,
        call: u32,
        frame: Handle,
    ) -> Step<Prepared> {
        let code = self.code;
        match self.eval(target, frame)? {
            Value::Function(FunctionRef::Closure(closure)) => {
                let call = &code.calls[call as usize];
                let closure = self.lists.closures[closure as usize];
                let function = &code.functions[closure.function as usize];
                if call.positional.len() > function.parameters.len() {
                    return self.fail(
                        node,
                        format!(
                            "function expects at most {} arguments, got {}",
                            function.parameters.len(),
                            call.positional.len()
                        ),
                    );
                }
                let inner = self.open_frame(closure.frame, function.parameters.len())?;
                for (at, argument) in call.positional.iter().enumerate() {
                    let value = self.delay(*argument, frame)?;
                    self.set_slot(inner, at, value);
                }
                for (name, argument) in &call.named {
                    let Some(at) = function.parameters.iter().position(|parameter| parameter.name == *name)
                    else {
                        return self.fail(node, format!("function has no parameter {name}"));
                    };
                    if at < call.positional.len() {
                        return self.fail(node, format!("argument {name} already provided"));
                    }
                    let value = self.delay(*argument, frame)?;
                    self.set_slot(inner, at, value);
                }
                self.fill_defaults(closure.function, inner, node)?;
                if call.tailstrict {
                    self.force_slots(inner, function.parameters.len())?;
                }
                Ok(Prepared::Body(function.body, inner))
            }
            Value::Function(FunctionRef::Builtin(builtin)) => {
                self.apply_builtin(node, builtin, call, frame).map(Prepared::Ready)
            }
            other => {
                let found = self.type_name(other);
                self.fail(node, format!("only functions can be called, got {found}"))
            }
        }
    }

    /// Promises the defaults of the parameters that were given nothing.
    fn fill_defaults(&mut self, function: u32, inner: Handle, node: NodeId) -> Step<()> {
        let code = self.code;
        let function = &code.functions[function as usize];
        let first = self.lists.frames[inner as usize].first as usize;
        for (at, parameter) in function.parameters.iter().enumerate() {
            if matches!(self.lists.slots[first + at], Value::Absent) {
                if parameter.default == NONE {
                    return self.fail(node, format!("missing argument: {}", parameter.name));
                }
                // Defaults see all parameters, so each waits until it is asked for.
                let value = self.thunk(Thunk::Node { node: parameter.default, frame: inner })?;
                self.lists.slots[first + at] = value;
            }
        }
        Ok(())
    }

    fn force_slots(&mut self, frame: Handle, count: usize) -> Step<()> {
        let first = self.lists.frames[frame as usize].first as usize;
        for at in first..first + count {
            self.lists.slots[at] = self.force(self.lists.slots[at])?;
        }
        Ok(())
    }

    /// Calls a library function with the arguments of a call in the source.
    pub(crate) fn apply_builtin(
        &mut self,
        node: NodeId,
        builtin: u16,
        call: u32,
        frame: Handle,
    ) -> Step<Value> {
        let code = self.code;
        let call = &code.calls[call as usize];
        let function = self.function(builtin);
        let mut arguments = [Value::Absent; MAX_PARAMETERS];
        if call.positional.len() > function.parameters.len() {
            return self.too_many_arguments(builtin, call.positional.len(), node);
        }
        for (at, argument) in call.positional.iter().enumerate() {
            arguments[at] = self.delay(*argument, frame)?;
        }
        for (name, argument) in &call.named {
            let Some(at) = function.parameters.iter().position(|parameter| parameter.name == &**name) else {
                return self.fail(node, format!("function {} has no parameter {name}", function.name));
            };
            if !matches!(arguments[at], Value::Absent) {
                return self.fail(node, format!("argument {name} already provided"));
            }
            arguments[at] = self.delay(*argument, frame)?;
        }
        self.call_builtin(builtin, arguments, node)
    }

    #[cold]
    fn too_many_arguments<T>(&self, builtin: u16, given: usize, node: NodeId) -> Step<T> {
        let function = self.function(builtin);
        let wanted = function.parameters.len();
        self.fail(node, format!("function {} expects at most {wanted} arguments, got {given}", function.name))
    }

    fn call_builtin(
        &mut self,
        builtin: u16,
        arguments: [Value; MAX_PARAMETERS],
        node: NodeId,
    ) -> Step<Value> {
        let function = self.function(builtin);
        for (parameter, argument) in function.parameters.iter().zip(&arguments) {
            if !parameter.optional && matches!(argument, Value::Absent) {
                return self.fail(node, format!("missing argument: {} of {}", parameter.name, function.name));
            }
        }
        self.burn(1)?;
        (function.run)(self, &arguments, node)
    }

    /// Calls a function with values, as library functions do. [`Value::Absent`] ends the arguments.
    pub(crate) fn call_values(
        &mut self,
        function: FunctionRef,
        arguments: &[Value],
        node: NodeId,
    ) -> Step<Value> {
        let given =
            arguments.iter().position(|value| matches!(value, Value::Absent)).unwrap_or(arguments.len());
        let arguments = &arguments[..given];
        let result = match function {
            FunctionRef::Builtin(builtin) => {
                if arguments.len() > self.function(builtin).parameters.len() {
                    return self.too_many_arguments(builtin, arguments.len(), node);
                }
                let mut all = [Value::Absent; MAX_PARAMETERS];
                all[..arguments.len()].copy_from_slice(arguments);
                self.deeper(|machine| machine.call_builtin(builtin, all, node))
            }
            FunctionRef::Closure(closure) => {
                let closure = self.lists.closures[closure as usize];
                let function = &self.code.functions[closure.function as usize];
                let (wanted, body) = (function.parameters.len(), function.body);
                if arguments.len() > wanted {
                    return self.fail(
                        node,
                        format!("function expects at most {wanted} arguments, got {}", arguments.len()),
                    );
                }
                let inner = self.open_frame(closure.frame, wanted)?;
                for (at, argument) in arguments.iter().enumerate() {
                    self.set_slot(inner, at, *argument);
                }
                self.fill_defaults(closure.function, inner, node)?;
                self.eval(body, inner)
            }
        };
        result.map_err(|error| self.came_out_of(error, node))
    }

    /// Calls a function of the program with one argument, by the name of its parameter.
    pub(crate) fn call_by_name(
        &mut self,
        closure: Handle,
        parameter: &str,
        argument: Value,
        node: NodeId,
    ) -> Step<Value> {
        let closure = self.lists.closures[closure as usize];
        let function = &self.code.functions[closure.function as usize];
        let Some(at) = function.parameters.iter().position(|known| *known.name == *parameter) else {
            return self.fail(node, format!("function has no parameter {parameter}"));
        };
        let body = function.body;
        let inner = self.open_frame(closure.frame, function.parameters.len())?;
        self.set_slot(inner, at, argument);
        self.fill_defaults(closure.function, inner, node)?;
        self.eval(body, inner).map_err(|error| self.came_out_of(error, node))
    }

    /// How many arguments a function needs.
    pub(crate) fn required_parameters(&self, function: FunctionRef) -> usize {
        match function {
            FunctionRef::Builtin(builtin) => {
                let parameters = self.function(builtin).parameters;
                parameters.iter().filter(|parameter| !parameter.optional).count()
            }
            FunctionRef::Closure(closure) => {
                let function = self.lists.closures[closure as usize].function;
                let parameters = &self.code.functions[function as usize].parameters;
                parameters.iter().filter(|parameter| parameter.default == NONE).count()
            }
        }
    }
}

// What a service gets that takes messages, where the body of its request_config names nothing else.
function(ctx)
  local data(name) = std.get(ctx.template_data, name);
  {
    recipient: ctx.recipient,
    template_type: ctx.template_type,
    to: data('to'),
    recovery_code: data('recovery_code'),
    recovery_url: data('recovery_url'),
    verification_url: data('verification_url'),
    verification_code: data('verification_code'),
    login_code: data('login_code'),
    registration_code: data('registration_code'),
    subject: ctx.subject,
    body: ctx.body,
  }

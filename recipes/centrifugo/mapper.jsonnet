local answers = {"audience":"centrifugo","channel":"personal:"};
local identity = std.extVar('session').identity;
local given_traits = std.get(identity, 'traits');
local traits = if given_traits == null then {} else given_traits;
local given_name = std.get(traits, 'name');
local parts = if std.isObject(given_name) then given_name else if std.isString(given_name) then { first: given_name } else {};
local part(which) = local text = std.get(parts, which); if text == null then '' else text;
local words = std.stripChars(part('first') + ' ' + part('last'), ' ');

{
  claims: {
    channels: [answers.channel + identity.id],
    info: { name: words },
  },
} 

-- Asks Sessera about a request, by the route "api".
local QUESTION = "http://127.0.0.1:4435/auth-request?route=api"

-- The headers that the answer sets anew, whatever the client sent.
local PROMISED = {
    "authorization",
    "x-user-email",
    "x-user-id",
    "cookie",
    "x-session-token",
    "x-session-cookie",
}

-- What belongs to the connection of the client, or to its body.
local LEFT_OUT = {
    ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
    ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
    ["x-original-method"] = true, ["x-original-url"] = true, ["x-forwarded-method"] = true,
}

local function first(values)
    return values and (values[0] or values[1])
end

-- The lines of a header in their order. HAProxy counts them from 0 on, and Lua from 1.
local function all(values)
    local lines = {}
    for at = 0, #values do
        table.insert(lines, values[at])
    end
    return lines
end

core.register_action("sessera_api", { "http-req" }, function(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not LEFT_OUT[name] then
            headers[name] = all(values)
        end
    end
    local host = txn.sf:req_hdr("host") or ""
    local scheme = txn.f:ssl_fc() == 1 and "https" or "http"
    headers["x-original-method"] = { txn.sf:method() }
    headers["x-original-url"] = { scheme .. "://" .. host .. txn.sf:pathq() }
    headers["x-forwarded-for"] = { txn.sf:src() }
    -- The upgrade itself cannot be told. Without these, nobody is sent to sign in who opens no page, and nothing passes as a
    -- preflight that asks for another protocol.
    if txn.sf:req_hdr("upgrade") ~= "" then
        headers["accept"] = nil
        headers["access-control-request-method"] = nil
    end

    -- Without a limit, HAProxy waits for as long as Sessera hangs. It asks four times, so these milliseconds are a quarter.
    local answer = core.httpclient():get({ url = QUESTION, headers = headers, timeout = 1250 })
    txn:set_var("txn.sessera_status", answer.status or 503)
    txn:set_var("txn.sessera_body", answer.body or "")
    txn:set_var("txn.sessera_retry_after", answer.headers and first(answer.headers["retry-after"]) or "1")
    local redirect = answer.headers and first(answer.headers["x-redirect-to"])
    if redirect then
        txn:set_var("txn.sessera_redirect", redirect)
    end
    if answer.status ~= 200 then
        return
    end
    for _, name in ipairs(PROMISED) do
        local value = first(answer.headers[name])
        txn.http:req_del_header(name)
        if value and value ~= "" then
            txn.http:req_set_header(name, value)
        end
    end
    txn:set_priv(answer.headers["set-cookie"])
end, 0)

-- Passes on what an upstream sets, each cookie in a line of its own.
core.register_action("sessera_cookies_api", { "http-res" }, function(txn)
    for _, cookie in ipairs(all(txn:get_priv() or {})) do
        txn.http:res_add_header("set-cookie", cookie)
    end
end, 0)

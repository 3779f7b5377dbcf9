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

core.register_action("sessera", { "http-req" }, function(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not LEFT_OUT[name] then
            headers[name] = {}
            for _, value in pairs(values) do
                table.insert(headers[name], value)
            end
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
    local cookie = first(answer.headers["set-cookie"])
    if cookie then
        txn:set_var("txn.sessera_set_cookie", cookie)
    end
end, 0)

-- Damaged requests for wrk, one after another on connections that stay open: bytes of the head or of the body are changed, taken out,
-- put in or doubled. What is sent is at least one whole request as far as its blank line, so that an answer can come; where a damaged
-- length promises more than there is, the service's own time limit ends it.
local function read(name) local f = assert(io.open(name, "rb")); local text = f:read("*a"); f:close(); return text end
local picture, photograph = read("docs/examples/three.png"), read("docs/examples/seven.jpg")
local tensor = '{"inputs":[{"name":"image","shape":[1,28,28,1],"datatype":"FP32","data":[' .. ("0.5,"):rep(783) .. '1]}]}'
local head = '{"inputs":[{"name":"image","shape":[1,28,28,1],"datatype":"UINT8","parameters":{"binary_data_size":784}}]}'
local multipart = '--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n' .. picture .. '\r\n--b--\r\n'

local function post(path, body, fields)
  return { head = "POST " .. path .. " HTTP/1.1\r\nHost: localhost\r\n" .. (fields or ""), body = body }
end
local seeds = {
  post("/read?raw", picture), post("/read?segment", picture),
  post("/read", multipart, "Content-Type: multipart/form-data; boundary=b\r\n"), post("/v2/models/box/infer", tensor, "Content-Type: application/json\r\n"),
  post("/v2/models/box/infer", head .. ("\200"):rep(784), "Inference-Header-Content-Length: " .. #head .. "\r\n"),
  { head = "GET /v2/models/box HTTP/1.1\r\nHost: localhost\r\n" }, { head = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n" },
  { head = "GET /runs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n" }, { head = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n" },
}

-- These take long where they are read, and are sent more rarely.
local slow = { post("/read?explain&raw", picture), post("/read?reject=0.9", photograph, "Content-Type: image/jpeg\r\n") }

local function damage(text)
  for _ = 1, math.random(3) do
    local i, kind, length = math.random(#text + 1), math.random(4), math.random(8)
    if kind == 1 then text = text:sub(1, i - 1) .. string.char(math.random(0, 255)) .. text:sub(i + 1)
    elseif kind == 2 then text = text:sub(1, i - 1) .. text:sub(i + length)
    elseif kind == 3 then
      local bytes = {}
      for n = 1, length do bytes[n] = string.char(math.random(0, 255)) end
      text = text:sub(1, i - 1) .. table.concat(bytes) .. text:sub(i)
    else text = text:sub(1, i + length) .. text:sub(i) end
  end
  return text
end

local thread = 0
function setup(t) t:set("number", thread); thread = thread + 1 end
function init(args) math.randomseed(1000 * (tonumber(args[1]) or 5) + (number or 0)) end
local function ended(head) return head:sub(-2) == "\r\n" and head or head .. "\r\n" end

local isFirst = true
function request()
  local seed, where = seeds[math.random(#seeds)], math.random(200)
  if math.random(50) == 1 then seed = slow[math.random(#slow)] end
  local head, body = seed.head, seed.body
  if isFirst then isFirst = false; return seeds[8].head .. "\r\n" end  -- wrk itself reads the first one, and wants it whole
  if body and where > 50 then body = damage(body) end
  if where <= 100 or not body then head = damage(head) end
  head = ended(head)
  if body then head = head .. "Content-Length: " .. #body .. "\r\n" end
  if where == 101 then head = damage(head) end
  return ended(head) .. "\r\n" .. (body or "")
end

-- 503 says that a request waited for too long.
local failed = 0
function response(status) if status >= 500 and status ~= 503 then failed = failed + 1; if failed < 10 then print("status", status) end end end

-- What wrk runs for the bench. `head` and `tail` are set by the lines before
-- this; with `many` requests differ by a number of seven digits between them.
local requests = 0

if many then
  local from, count, skewed = many.from, many.count, many.skewed
  local digits, at = {}, from
  local ln_count = math.log(count)
  math.randomseed(many.seed)
  local random, floor, exp = math.random, math.floor, math.exp

  local function number()
    if many.in_turn then
      at = at + 1
      return at
    elseif skewed then
      -- P(n) goes with 1/n: the n-th most frequent comes n times more seldom.
      return from + floor(exp(random() * ln_count)) - 1
    end
    return from + random(0, count - 1)
  end

  request = function()
    return head .. string.format("%07d", number()) .. tail
  end
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nbench {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.timeout, e.status))
end

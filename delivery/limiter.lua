-- Token buckets, several at once, atomically, on the clock of Redis.
--
-- KEYS[1] is the provider's bucket, KEYS[2..n] are senders' and campaigns'. A bucket is a hash
-- {t: tokens, at: microseconds}.
-- ARGV[1] = number of demands; then per bucket: rate per second, capacity; then per demand: segments wanted, segments
-- of the smallest piece that makes sense, segments to leave in the provider's bucket for more urgent ones, how many
-- buckets beside the provider's it asks, and their indexes.
-- A negative want gives back what was taken and not used.
-- Returns per demand what it may send, and at last the microseconds until more can be had (0: nothing was refused).
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]

local demands = tonumber(ARGV[1])
local tokens, rate, capacity = {}, {}, {}
for i = 1, #KEYS do
  rate[i] = tonumber(ARGV[2 * i])
  capacity[i] = tonumber(ARGV[2 * i + 1])
  local state = redis.call('HMGET', KEYS[i], 't', 'at')
  if state[1] then
    local elapsed = math.max(0, now - tonumber(state[2]))
    tokens[i] = math.min(capacity[i], tonumber(state[1]) + elapsed * rate[i] / 1000000)
  else
    tokens[i] = capacity[i]
  end
end

local answer, wait = {}, 0
local at = 1 + 2 * #KEYS
for d = 1, demands do
  local wanted = tonumber(ARGV[at + 1])
  local least = tonumber(ARGV[at + 2])
  local reserve = tonumber(ARGV[at + 3])
  local asked = {1}
  for n = 1, tonumber(ARGV[at + 4]) do
    asked[n + 1] = tonumber(ARGV[at + 4 + n])
  end
  at = at + 3 + #asked
  local granted = wanted
  local delay = 0
  for _, i in ipairs(asked) do
    if wanted > 0 then
      -- A piece larger than the bucket goes when the bucket is full, and leaves it in debt.
      local kept = i == 1 and reserve or 0
      local free = tokens[i] - kept
      local needed = math.min(least, capacity[i] - kept)
      if free + 0.000001 < needed then
        granted = 0
        delay = math.max(delay, (needed - free) * 1000000 / rate[i])
      else
        granted = math.min(granted, math.max(least, math.floor(free + 0.000001)))
      end
    end
  end
  if granted ~= 0 then
    for _, i in ipairs(asked) do
      tokens[i] = math.min(capacity[i], tokens[i] - granted)
    end
  elseif wait == 0 or delay < wait then
    wait = delay
  end
  answer[d] = granted
end

for i = 1, #KEYS do
  -- Exact enough, and kept long enough, for one message in a day: a forgotten bucket is a full one.
  redis.call('HSET', KEYS[i], 't', string.format('%.12f', tokens[i]), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[i], 60000 + math.ceil(1000 * (capacity[i] - tokens[i]) / rate[i]))
end
answer[demands + 1] = math.ceil(wait)
return answer

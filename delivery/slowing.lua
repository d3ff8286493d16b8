-- Halve limits that a provider's codes say are too high, and tell which are slowed. Preceded by factor.lua.
--
-- KEYS[1] = a hash of limit → state. ARGV = pairs of a limit to cut and the code that says so; none: only tell.
-- Returns how many were cut, and for each limit that is slowed: its name, factor, since when (µs), and the last code.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]

local cuts = 0
for n = 1, #ARGV, 2 do
  local state = redis.call('HGET', KEYS[1], ARGV[n])
  local present, since = factor(state, now), now
  local apart = true
  if state then
    local _, at, before = string.match(state, '^(%S+) (%S+) (%S+)')
    apart = now - tonumber(at) >= APART_US
    since = present < 1 and tonumber(before) or now
  end
  -- What is refused within moments of a cut was sent before it: one burst of refusals is one cut.
  if apart then
    local cut = math.max(FLOOR, present / 2)
    redis.call('HSET', KEYS[1], ARGV[n], string.format('%.6f %.0f %.0f %s', cut, now, since, ARGV[n + 1]))
    cuts = cuts + 1
  end
end

local answer = {cuts}
local states = redis.call('HGETALL', KEYS[1])
for n = 1, #states, 2 do
  local present = factor(states[n + 1], now)
  if present >= 1 then
    redis.call('HDEL', KEYS[1], states[n])
  else
    local since, code = string.match(states[n + 1], '^%S+ %S+ (%S+) (.*)$')
    for _, part in ipairs({states[n], string.format('%.6f', present), since, code}) do
      answer[#answer + 1] = part
    end
  end
end
if cuts > 0 then
  redis.call('PEXPIRE', KEYS[1], math.ceil(STEP_US / 1000 / STEP) + 1000)
end
return answer

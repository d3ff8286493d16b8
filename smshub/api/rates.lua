-- One request of a key, against all of its quotas at once: counted in every one of them, or in none.
--
-- KEYS: a counter for each quota; it is gone when its window ends. ARGV: for each quota its requests and the
-- milliseconds of its window, which begins with the first request in it.
-- Returns 1 or 0 (let in or not), then for each quota the requests that are left and the milliseconds until its window
-- ends.
local left, ends, let_in = {}, {}, 1
for i = 1, #KEYS do
  local most, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local lives = redis.call('PTTL', KEYS[i])
  if lives > 0 then
    left[i], ends[i] = most - tonumber(redis.call('GET', KEYS[i])), lives
  else
    left[i], ends[i] = most, window
  end
  if left[i] <= 0 then
    left[i], let_in = 0, 0
  end
end
if let_in == 1 then
  for i = 1, #KEYS do
    if redis.call('INCR', KEYS[i]) == 1 then
      redis.call('PEXPIRE', KEYS[i], ends[i])
    end
    left[i] = left[i] - 1
  end
end
local answer = {let_in}
for i = 1, #KEYS do
  answer[2 * i], answer[2 * i + 1] = left[i], ends[i]
end
return answer

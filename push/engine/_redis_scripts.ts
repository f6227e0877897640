/**
 * What Redis does as one step: the scripts, and the names of what they touch.
 *
 * The layout, each name behind the prefix:
 *
 * - `meta`, a hash: `epoch`; `offset`, of the last version; `seq`, of the last
 *   entry of the log. Versions have offsets; the log counts removals of topics too.
 * - `log`, a stream: each entry `SEQ-0` with a line in `v`. Bounded; for hubs that
 *   come back, or have missed something.
 * - `newest`, a hash: the newest version of each topic, as a line.
 * - `history:TOPIC`, a stream: the older versions, `OFFSET-0` with a line in `v`.
 *   It never has the newest, so that trimming cannot lose it; and a topic that
 *   keeps none has none, as the shortest stream takes 4 KiB.
 * - `key:TOPIC LF KEY`, a string: the offset that the key was used for; expires.
 * - `hub:ID`, a hash: the last batch of a hub and what became of it; expires.
 * - `live@DB`, a channel: tells each hub of entries, signals and new epochs.
 *   Channels know no databases, so its name does.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A script, and the name that Redis has for it. */
export interface Script {
  /** Its text. */
  readonly text: string;
  /** The SHA-1 of its text, in hexadecimal. */
  readonly sha: string;
}

/**
 * Meets the store: begins an epoch if there is none, or if the store is not the
 * one that was left, but an older state of it.
 *
 * KEYS: meta, log, newest. ARGV: the epoch, last seq and last line that the hub
 * knows, a new epoch, the channel, the prefix of histories.
 *
 * Replies with the epoch, seq, offset, and last line.
 */
export const MEET = script(`
-- Changes nothing; but fails where the log is no stream, a replica is asked, or
-- Redis is older than 6.2.
redis.call('XTRIM', KEYS[2], 'MINID', '~', '0')
redis.call('HLEN', KEYS[3])
local head = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'offset')
local function line_of(from, to)
  local entry = redis.call('XREVRANGE', KEYS[2], to, from, 'COUNT', 1)[1]
  return entry and entry[2][2] or ''
end
local begin = false
if not head[1] then
  for _, topic in ipairs(redis.call('HKEYS', KEYS[3])) do
    redis.call('UNLINK', ARGV[6] .. topic)
  end
  redis.call('UNLINK', KEYS[2], KEYS[3])
  head = { '', '0', '0' }
  begin = true
elseif head[1] == ARGV[1] then
  local seen = ARGV[2] .. '-0'
  local line = line_of(seen, seen)
  begin = tonumber(head[2]) < tonumber(ARGV[2]) or
    (line ~= '' and ARGV[3] ~= '' and line ~= ARGV[3])
end
if begin then
  head[1] = ARGV[4]
  redis.call('HSET', KEYS[1], 'epoch', head[1], 'seq', head[2],
    'offset', head[3])
  redis.call('PUBLISH', ARGV[5], 'e ' .. head[1])
end
return { head[1], head[2], head[3], line_of('-', '+') }
`);

/**
 * Publishes a batch of a hub, once, however often it is asked to.
 *
 * KEYS: meta, log, newest, the hub's record. ARGV: the epoch and last seq that the
 * hub knows, the number of the batch, the channel, the prefix of histories, the
 * prefix of keys, how long keys and the record are kept in milliseconds, the
 * length of the log; then for each item topic, key, data. No key is empty. Empty
 * data: the topic is removed.
 *
 * Replies with `done`, the last seq, and a word for each item: the offset; `d`
 * and the offset of what had its key before; or `!` if the topic's history is
 * none. Replies with `changed` if the store is not the one that the hub knows,
 * and `late` if a later batch came before.
 */
export const PUBLISH = script(`
local head = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'offset')
local seq, offset = tonumber(head[2]), tonumber(head[3])
if head[1] ~= ARGV[1] or seq < tonumber(ARGV[2]) then return { 'changed' } end
local batch = tonumber(ARGV[3])
local record = redis.call('HMGET', KEYS[4], 'batch', 'words')
if record[1] and tonumber(record[1]) >= batch then
  if tonumber(record[1]) > batch then return { 'late' } end
  return { 'done', head[2], record[2] }
end
local histories, keys = ARGV[5], ARGV[6]
local first = seq + 1
local lines, words = {}, {}
local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

local function number(value) return string.format('%.0f', value) end

local function log(line)
  seq = seq + 1
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[9], number(seq) .. '-0',
    'v', line)
  lines[#lines + 1] = line
end

-- The newest becomes a part of the history.
local function keep(topic, id, line)
  local history = histories .. topic
  local added = redis.pcall('XADD', history, id, 'v', line)
  if type(added) == 'string' then return true end
  if redis.call('TYPE', history).ok ~= 'stream' then return false end
  -- It is of a store that was lost in part.
  redis.call('DEL', history)
  redis.call('XADD', history, id, 'v', line)
  return true
end

local function publish(topic, key, data)
  if key ~= '' then
    key = keys .. topic .. '\\n' .. key
    local used = redis.call('GET', key)
    if used then return 'd' .. used end
  end
  local previous = '0'
  local newest = redis.call('HGET', KEYS[3], topic)
  if newest then
    previous = string.match(newest, '^%d+')
    if not keep(topic, previous .. '-0', newest) then return '!' end
  end
  offset = offset + 1
  local word = number(offset)
  local front = word .. ' ' .. previous .. ' ' .. at .. ' '
  redis.call('HSET', KEYS[3], topic, front .. '\\t' .. data)
  log(front .. topic .. '\\t' .. data)
  if key ~= '' then redis.call('SET', key, word, 'PX', ARGV[7]) end
  return word
end

local function remove(topic)
  if redis.call('HDEL', KEYS[3], topic) == 1 then
    redis.call('UNLINK', histories .. topic)
    log('-' .. topic)
  end
  return '0'
end

for i = 10, #ARGV, 3 do
  local topic, key, data = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  words[#words + 1] = data == '' and remove(topic) or publish(topic, key, data)
end
words = table.concat(words, ' ')
redis.call('HSET', KEYS[4], 'batch', ARGV[3], 'words', words)
redis.call('PEXPIRE', KEYS[4], ARGV[8])
if #lines > 0 then
  redis.call('HSET', KEYS[1], 'seq', number(seq), 'offset', number(offset))
  redis.call('PUBLISH', ARGV[4], 'v ' .. head[1] .. ' ' .. number(first) ..
    '\\n' .. table.concat(lines, '\\n'))
end
return { 'done', number(seq), words }
`);

/**
 * Reads on in the log.
 *
 * KEYS: meta, log. ARGV: the epoch, the first seq, the most entries.
 *
 * Replies with `read`, the seq of the first entry that there is, and the lines; or
 * `changed` if the epoch is another.
 */
export const READ = script(`
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { 'changed' } end
local entries = redis.call('XRANGE', KEYS[2], ARGV[2], '+', 'COUNT', ARGV[3])
local reply = { 'read', '' }
if entries[1] then reply[2] = string.match(entries[1][1], '^%d+') end
for _, entry in ipairs(entries) do reply[#reply + 1] = entry[2][2] end
return reply
`);

/**
 * Drops what is not needed any more.
 *
 * KEYS: meta, log. ARGV: the epoch, the prefix of histories, the seq that the log
 * is to begin at, or near it; then topics, each with the offset up to which its
 * history may go.
 */
export const TRIM = script(`
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return end
redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[3])
for i = 4, #ARGV, 2 do
  local history = ARGV[2] .. ARGV[i]
  local from = string.format('%.0f', ARGV[i + 1] + 1)
  -- Where somebody keeps something else, that is a table.
  local dropped = redis.pcall('XTRIM', history, 'MINID', from)
  if type(dropped) == 'number' and dropped > 0 and
    redis.call('XLEN', history) == 0 then
    redis.call('UNLINK', history)
  end
end
`);

function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

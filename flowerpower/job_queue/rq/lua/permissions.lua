-- Whether the user of Redis may do all that the scripts do. It follows common.lua in every script.

if args.check_permissions then
    -- What Redis does not let its user do, as the answer of the script; nil if it may do all. Redis checks
    -- the rights of a script call by call, and undoes nothing: without this, a script might stop half-way.
    -- Each call changes nothing, on keys that never exist or by what it does.
    local function missing_permission()
        local function refused(...)
            local answer = redis.pcall(...)
            local reason = type(answer) == 'table' and answer.err or ''
            return string.find(reason, 'NOPERM') or string.find(reason, 'ACL failure')
                or string.find(reason, 'The user executing the script')
        end
        local none = own
        -- First, because after any write Redis takes others too even if it is full. Where this write is
        -- refused for such a reason, so is the first one of each script.
        local first = redis.pcall('SET', none, '', 'XX')
        if type(first) == 'table' and first.err and not refused('SET', none, '', 'XX') then return nil end
        for _, call in ipairs({
            {'SET', none, '', 'XX'}, {'TIME'}, {'TYPE', none}, {'EXISTS', none}, {'DEL', none},
            {'PERSIST', none}, {'PEXPIREAT', none, 1}, {'GET', none}, {'HGETALL', none},
            {'HDEL', none, ''}, {'SMEMBERS', none}, {'SREM', none, ''}, {'LINDEX', none, 0},
            {'LRANGE', none, 0, 0}, {'LREM', none, 0, ''}, {'RPUSHX', none, ''},
            {'ZRANGEBYSCORE', none, 0, 0}, {'ZSCORE', none, ''}, {'ZADD', none, 'XX', 0, ''},
            {'ZCOUNT', none, 0, 0}, {'ZLEXCOUNT', none, '-', '+'}, {'ZRANGEBYLEX', none, '-', '+'},
            {'ZREMRANGEBYSCORE', none, 0, 0}, {'SRANDMEMBER', none},
            {'ZRANDMEMBER', none, 1},
            {'ZREM', none, ''}, {'XADD', none, 'NOMKSTREAM', '*', 'field', ''}, {'XDEL', none, '0-1'},
            {'XRANGE', none, '-', '+'}, {'XREVRANGE', none, '+', '-'}, {'COPY', none, none .. 'copy'},
            {'RENAME', none, none .. 'copy'},
        }) do
            if refused(unpack(call)) then
                -- The time has no key, and both may be what is refused.
                local what = call[1] == 'TIME' and 'run the command TIME'
                    or 'run the command ' .. call[1] .. ' on the keys ' .. own .. '*'
                return redis.error_reply('NOPERM its user may not ' .. what)
            end
        end
        for _, key in ipairs({
            rq .. ':queues', rq .. ':workers', rq .. ':worker:', job_key(''), queue_key(''),
            registry('scheduled', ''), registry('wip', ''), registry('finished', ''),
            registry('failed', ''), registry('canceled', ''), registry('deferred', ''),
        }) do
            if refused('PERSIST', key) then
                return redis.error_reply('NOPERM its user may not use the keys ' .. rq .. ':*')
            end
        end
    end

    local missing = missing_permission()
    if missing then return missing end
end

%% The burn service as an Erlang programmer writes it: a process for each client.
-module(burn).
-export([start/0]).

-define(ROUNDS, 20000).

start() ->
    {ok, Listener} = gen_tcp:listen(0, [binary, {ip, {127, 0, 0, 1}}, {packet, line}, {active, false},
                                        {nodelay, true}, {backlog, 4096}]),
    {ok, Port} = inet:port(Listener),
    RoundsPerMs = calibrate(),
    io:format("Server running on port ~b~n", [Port]),
    accept(Listener, RoundsPerMs).

accept(Listener, RoundsPerMs) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Client = spawn(fun() -> receive go -> serve(Socket, RoundsPerMs) end end),
    ok = gen_tcp:controlling_process(Socket, Client),
    Client ! go,
    accept(Listener, RoundsPerMs).

serve(Socket, RoundsPerMs) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Line} ->
            ok = answer(Socket, Line, RoundsPerMs),
            serve(Socket, RoundsPerMs);
        {error, _} ->
            gen_tcp:close(Socket)
    end.

answer(Socket, Line, RoundsPerMs) ->
    case Line of
        <<"b", Ms:5/binary, _/binary>> -> work(round(binary_to_integer(Ms) * RoundsPerMs), 1);
        <<"w", Ms:5/binary, _/binary>> -> work_until(erlang:monotonic_time(millisecond) + binary_to_integer(Ms));
        <<"s", Ms:5/binary, _/binary>> -> timer:sleep(binary_to_integer(Ms));
        _ -> ok
    end,
    Body = binary:part(Line, 0, byte_size(Line) - 1),
    gen_tcp:send(Socket, [lists:reverse(binary_to_list(Body)), $\n]).

%% No process can read the CPU clock of its thread, and it changes threads: the work is measured out beforehand. The
%% shortest of many short runs is one that nothing interrupted, so that its time is its CPU time.
calibrate() ->
    Runs = [element(1, timer:tc(fun() -> work(?ROUNDS, 1) end)) || _ <- lists:seq(1, 1000)],
    ?ROUNDS * 1000 / max(1, lists:min(Runs)).

work(0, _) -> ok;
work(Left, Value) -> work(Left - 1, (Value * 1664525 + 1013904223) band 16#ffffffff).

%% Computes until that time has come.
work_until(End) ->
    work(?ROUNDS, 1),
    case erlang:monotonic_time(millisecond) < End of
        true -> work_until(End);
        false -> ok
    end.

"""The application: REST, market streams and WebSocket API on one port."""

from aiohttp import web

from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.rest import RestDoor, error_response, page
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.ws_api import ApiSockets


def build_app(server: ExchangeServer) -> web.Application:
    """Return the application that serves the exchange."""
    app = web.Application()
    door = RestDoor(server)

    async def streams(request: web.Request) -> web.StreamResponse:
        if server.streams is None:
            return page(404, "404 Not Found")
        try:
            server.limits.connect(request.remote or "", server.clock.now())
        except ApiError as error:
            return error_response(error)
        return await server.streams.serve(request)

    app.router.add_get("/ws-api/v3", ApiSockets(server).serve)
    for path in ("/ws", "/stream"):
        app.router.add_get(path, streams)
        app.router.add_get(path + "/{names:.*}", streams)
    app.router.add_route("*", "/{path:.*}", door.handle)
    return app

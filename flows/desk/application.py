"""The desk as a web application: its addresses, and what each does. What is checked is not decided here.

A page works as plain HTML; ``desk.js`` adds drag and drop and progress. A form is answered only if it was sent
from a page of this server, by a session, with the session's own form token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from flows.desk import tokens
from flows.desk.guarding import is_from_here
from flows.desk.pages import Reader, endings, language_asked, render, stage_in_words, static_file
from flows.desk.sessions import Session, Sessions, WrongTokens
from flows.desk.uploads import MOST_FILES, Upload, UploadError, Uploads, folder_of
from flows.desk.workers import BusyError, Check, Mark, Stage, WorkError, Workers
from warehouse.home import Home
from warehouse.messages import Language, in_languages, message, said_in

if TYPE_CHECKING:
    from starlette.types import Message, Receive

    from warehouse.declarations import SourceDeclaration

MOST_BYTES = 50 << 20  # of one request with files
_FORM_BYTES = 16 << 10  # of one without
_UPLOAD_SECONDS = 300.0
_PATIENCE_SECONDS = (
    20.0  # how long a browser without scripts waits for the verdict before it is asked to look again
)
_DRAIN_SECONDS = 10.0
_SWEEP_SECONDS = 60.0
_COOKIE = "desk"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SPOTS, _MOST_SPOTS = 3, 200  # cells of a cause that are shown, and that are folded away


class _TooLargeError(Exception):
    """More bytes came than are taken."""


@dataclass(frozen=True)
class Limits:
    """How much is taken, and how long a browser without scripts waits."""

    most_bytes: int = MOST_BYTES
    patience_seconds: float = _PATIENCE_SECONDS


class Desk:
    """The desk of a home. ``is_secure``: it is reached by HTTPS, so the cookie goes over nothing else."""

    def __init__(
        self,
        home: Home,
        sources: Mapping[str, SourceDeclaration],
        workers: Workers,
        *,
        is_secure: bool = False,
        limits: Limits = Limits(),
    ) -> None:
        from sources.workbooks.inbox import SUFFIXES

        self._home, self._sources, self._workers = home, sources, workers
        self._is_secure, self._limits = is_secure, limits
        self._suffixes = SUFFIXES
        self.sessions, self.wrong = Sessions(), WrongTokens()
        self.uploads = Uploads(home, SUFFIXES)
        self._busy: set[str] = set()  # sources of which a file is on its way: one at a time a token
        self._tasks: set[asyncio.Task[None]] = set()
        self._marking: dict[str, asyncio.Lock] = {}

    def application(self) -> Starlette:
        """The application, without what stands before it (``Guard``)."""
        application = Starlette(
            routes=[
                Route("/", self.front, methods=["GET"]),
                Route("/enter", self.enter, methods=["POST"]),
                Route("/leave", self.leave, methods=["POST"]),
                Route("/files", self.bring, methods=["POST"]),
                Route("/files/{upload}", self.file, methods=["GET"]),
                Route("/files/{upload}/state", self.state, methods=["GET"]),
                Route("/files/{upload}/marked", self.marked_copy, methods=["GET"]),
                Route("/files/{upload}/hand-in", self.hand_in, methods=["POST"]),
                Route("/files/{upload}/delete", self.delete, methods=["POST"]),
                Route("/desk.css", self.style, methods=["GET"]),
                Route("/desk.js", self.script, methods=["GET"]),
            ],
            lifespan=self._open,
            exception_handlers={HTTPException: self.nothing_here, Exception: self.failed},
        )
        application.router.redirect_slashes = False
        return application

    @asynccontextmanager
    async def _open(self, application: Starlette) -> AsyncIterator[None]:
        self.uploads.open()
        self._workers.start()
        sweeping = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            for task in (sweeping, *self._tasks):
                task.cancel()
            await asyncio.to_thread(self._workers.stop)
            self.uploads.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Delete what has lain here for long, and what belongs to a token that is void."""
        self.uploads.expire()
        for session in self.sessions.all():
            if not tokens.is_valid(self._home, session.source, session.token_hash):
                self._end(session)

    # --- who, and in which language ---------------------------------------------------------------

    def _session(self, request: Request) -> Session | None:
        session = self.sessions.find(request.cookies.get(_COOKIE, ""))
        if session is not None and not tokens.is_valid(self._home, session.source, session.token_hash):
            self._end(session)  # the operator made the token void
            return None
        return session

    def _end(self, session: Session) -> None:
        self.uploads.delete_of(session.id)
        self.sessions.end(session)

    def _reader(self, request: Request, session: Session | None, path: str = "/") -> Reader:
        chosen = request.query_params.get("language")
        source = self._sources[session.source] if session else None
        if session and chosen in list(Language):
            session.language = Language(chosen)
        if session and session.language:
            chosen = session.language.value
        otherwise = source.language if source else Language.ENGLISH
        language = language_asked(chosen, request.headers.get("accept-language", ""), otherwise)
        title = in_languages(source.title, finnish=source.title_fi) if source else ""
        return Reader(language, path, title, session.csrf if session else "")

    # --- pages ------------------------------------------------------------------------------------

    async def front(self, request: Request) -> Response:
        """The page to enter, or the one to check a file."""
        return self._front(request, self._session(request))

    def _front(self, request: Request, session: Session | None, problem: str = "", status: int = 200) -> Response:
        reader = self._reader(request, session)
        if session is None:
            return HTMLResponse(render("enter.html", reader, problem=problem), status)
        if problem and _is_script(request):
            return JSONResponse({"problem": said_in(problem, reader.language)}, status)
        page = render(
            "desk.html",
            reader,
            problem=problem,
            uploads=self.uploads.of(session.id),
            accept=endings(self._suffixes),
            most_bytes=self._limits.most_bytes,
        )
        return HTMLResponse(page, status)

    async def enter(self, request: Request) -> Response:
        """Begin a session for whoever has a source's token."""
        address = request.client.host if request.client else ""
        if (wait := self.wrong.wait(address)) > 0:
            problem = message("Too many wrong tokens. Wait a few minutes, then try again.")
            answer = self._front(request, None, problem, 429)
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        if not is_from_here(request):
            return self._front(request, None, _foreign(), 403)
        try:
            token = _text(await self._form(request, _FORM_BYTES), "token").strip()
        except UploadError as error:
            return self._front(request, None, error.words, error.status)
        source = tokens.source_of_token(self._home, token)
        if source is None or source not in self._sources:
            self.wrong.note(address)
            return self._front(request, None, message("That is not a token of this desk. Ask the operator."), 403)
        asked = request.query_params.get("language")
        language = Language(asked) if asked in list(Language) else None
        session = self.sessions.begin(source, tokens.hash_of(token), language)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(_COOKIE, session.id, path="/", httponly=True, samesite="strict", secure=self._is_secure)
        return answer

    async def leave(self, request: Request) -> Response:
        """End the session, and delete its files."""
        session, refusal = await self._allowed(request)
        if session is None:
            return refusal
        self._end(session)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(_COOKIE, path="/", httponly=True, samesite="strict", secure=self._is_secure)
        return answer

    async def nothing_here(self, request: Request, error: Exception) -> Response:
        """The answer where there is no page, or no such file for this session."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        problem = message("The address is wrong, or the file was deleted: files are deleted here within an hour.")
        reader = self._reader(request, self._session(request))
        return HTMLResponse(render("gone.html", reader, problem=problem), status)

    async def failed(self, request: Request, error: Exception) -> Response:
        """The answer where the program has a fault, which ``Guard`` notes."""
        words = message("Something went wrong here, and it was noted. Try again, or tell the operator.")
        return PlainTextResponse(said_in(words, self._reader(request, None).language), 500)

    async def style(self, request: Request) -> Response:
        """The style sheet."""
        return Response(static_file("desk.css"), media_type="text/css")

    async def script(self, request: Request) -> Response:
        """The script."""
        return Response(static_file("desk.js"), media_type="text/javascript")

    # --- files ------------------------------------------------------------------------------------

    async def bring(self, request: Request) -> Response:
        """Take files, and begin to check them."""
        session = self._session(request)
        if session is None:
            return self._front(request, None, message("You were away for long. Give the token again."), 403)
        if not is_from_here(request):
            return self._front(request, session, _foreign(), 403)
        if session.source in self._busy:
            await _Incoming(request.receive, self._limits.most_bytes).drain()
            return self._front(request, session, message("A file is being checked already. Wait for it."), 409)
        self._busy.add(session.source)
        upload = None
        try:
            form = await self._form(request, self._limits.most_bytes)
            if not session.allows(_text(form, "csrf")):
                return self._front(request, session, _foreign(), 403)
            parts = [one for one in form.getlist("file") if isinstance(one, UploadFile)]
            given = [(one.filename, one.file) for one in parts if one.filename]
            upload = await asyncio.to_thread(self.uploads.keep, session.id, session.source, given)
            await form.close()
        except UploadError as error:
            return self._front(request, session, error.words, error.status)
        finally:
            if upload is None:
                self._busy.discard(session.source)
        return await self._begun(request, upload)

    async def _begun(self, request: Request, upload: Upload) -> Response:
        task = asyncio.create_task(self._check(upload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        page = f"/files/{upload.id}"
        if _is_script(request):
            return JSONResponse({"page": page}, 202)
        await asyncio.wait({task}, timeout=self._limits.patience_seconds)
        return RedirectResponse(page, 303)

    async def _check(self, upload: Upload) -> None:
        def told(stage: Stage) -> None:
            upload.stage = stage

        try:
            paths = tuple(one.path for one in upload.files)
            upload.outcome = await self._workers.run(Check(paths, upload.source, self._home.root), told)
        except BusyError:
            upload.problem = _crowded()
        except WorkError as error:
            upload.problem = error.args[0]
        finally:
            upload.stage = Stage.DONE
            self._busy.discard(upload.source)

    async def file(self, request: Request) -> Response:
        """The verdict on a file, or how far its check is."""
        session, upload = self._own(request)
        return self._file(request, session, upload)

    def _file(
        self, request: Request, session: Session, upload: Upload, problem: str = "", status: int = 200
    ) -> Response:
        reader = self._reader(request, session, f"/files/{upload.id}")
        if upload.stage is not Stage.DONE:
            page = render("waiting.html", reader, upload=upload, stage=stage_in_words(upload.stage))
            return HTMLResponse(page)
        page = render(
            "checked.html", reader, upload=upload, problem=problem, shown_spots=_SPOTS, most_spots=_MOST_SPOTS
        )
        return HTMLResponse(page, status)

    async def state(self, request: Request) -> Response:
        """How far a check is, for the script."""
        session, upload = self._own(request)
        words = said_in(stage_in_words(upload.stage), self._reader(request, session).language)
        return JSONResponse({"done": upload.stage is Stage.DONE, "words": words})

    async def marked_copy(self, request: Request) -> Response:
        """The marked copy of a file, in the reader's language, to be kept by the browser and not shown by it."""
        session, upload = self._own(request)
        number = request.query_params.get("number", "0")
        if upload.outcome is None or number not in [str(place) for place in range(len(upload.files))]:
            raise HTTPException(404)
        language = self._reader(request, session).language
        try:
            paths = await self._marked(upload, language)
        except BusyError:
            return self._file(request, session, upload, _crowded(), 503)
        except WorkError as error:
            return self._file(request, session, upload, error.args[0], 500)
        path = paths[int(number)]
        if not path.exists():
            raise HTTPException(404)
        # Names of files are people's words: this form (RFC 6266) takes any letters, and keeps a header whole.
        disposition = f"attachment; filename*=UTF-8''{quote(path.name, safe='')}"
        return FileResponse(path, media_type=_XLSX, headers={"Content-Disposition": disposition})

    async def _marked(self, upload: Upload, language: Language) -> tuple[Path, ...]:
        async with self._marking.setdefault(upload.id, asyncio.Lock()):
            if language.value not in upload.copies and upload.outcome is not None:
                folder = upload.folder / f"marked-{language.value}"
                folder.mkdir(exist_ok=True)
                is_one = len(upload.files) == 1
                target = folder / f"{upload.files[0].path.stem}-annotated.xlsx" if is_one else folder
                try:
                    paths = await self._workers.run(Mark(upload.outcome.checked, target, language))
                finally:
                    if self.uploads.find(upload.id, upload.session) is None:  # deleted meanwhile: the copy too
                        self.uploads.delete(upload)
                upload.copies[language.value] = tuple(paths)
        self._marking.pop(upload.id, None)
        return upload.copies[language.value]

    async def hand_in(self, request: Request) -> Response:
        """Put a checked file into the inbox."""
        session, refusal = await self._allowed(request)
        if session is None:
            return refusal
        _, upload = self._own(request)
        if upload.outcome is None:
            raise HTTPException(404)
        try:
            await asyncio.to_thread(self.uploads.hand_in, upload)
        except UploadError as error:
            return self._file(request, session, upload, error.words, 409)
        return RedirectResponse(f"/files/{upload.id}", 303)

    async def delete(self, request: Request) -> Response:
        """Delete a file here. One that was handed in stays in the inbox."""
        session, refusal = await self._allowed(request)
        if session is None:
            return refusal
        _, upload = self._own(request)
        self.uploads.delete(upload)
        return RedirectResponse("/", 303)

    # --- what is let in ---------------------------------------------------------------------------

    def _own(self, request: Request) -> tuple[Session, Upload]:
        """The session and its upload. Another session's is not there, like one that never was."""
        session = self._session(request)
        upload = self.uploads.find(request.path_params["upload"], session.id) if session else None
        if session is None or upload is None:
            raise HTTPException(404)
        return session, upload

    async def _allowed(self, request: Request) -> tuple[Session | None, Response]:
        """The session whose form it is; else None, with the answer."""
        session = self._session(request)
        if session is None or not is_from_here(request):
            return None, self._front(request, session, _foreign(), 403)
        try:
            is_own = session.allows(_text(await self._form(request, _FORM_BYTES), "csrf"))
        except UploadError as error:
            return None, self._front(request, session, error.words, error.status)
        return (session, Response()) if is_own else (None, self._front(request, session, _foreign(), 403))

    async def _form(self, request: Request, most: int) -> FormData:
        """The form of a request. Bytes are counted as they come.

        Raises:
            UploadError: it is too large, or no form.
        """
        declared = request.headers.get("content-length", "")
        incoming = _Incoming(request.receive, most)
        try:
            if declared.isdecimal() and int(declared) > most:
                raise _TooLargeError
            reading = Request(request.scope, incoming.receive).form(
                max_files=MOST_FILES, max_fields=8, max_part_size=4096
            )
            return await asyncio.wait_for(reading, _UPLOAD_SECONDS)
        except _TooLargeError:
            await incoming.drain()
            raise UploadError(_too_large(most), 413) from None
        except (HTTPException, MultiPartException):
            words = message(
                "That could not be read as a form. At most {count} files go together.", count=MOST_FILES
            )
            raise UploadError(words) from None
        except (TimeoutError, ClientDisconnect):
            raise UploadError(message("The file did not come through. Try again."), 408) from None


def _too_large(most: int) -> str:
    return message("The file is larger than {size} MB. Is it the right one?", size=max(1, most // (1 << 20)))


def _crowded() -> str:
    return message("Many files are being checked just now. Try again in a few minutes.")


def _foreign() -> str:
    return message("That form is not one of this page's. Open the page anew, then try again.")


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _is_script(request: Request) -> bool:
    return request.headers.get("accept", "") == "application/json"


class _Incoming:
    """What is received of a request's body, until it is too much."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._total = 0
        self._is_over = False

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            _TooLargeError: it is too much.
        """
        received = await self._next()
        if self._total > self._most:
            raise _TooLargeError
        return received

    async def _next(self) -> Message:
        received = await self._receive()
        self._total += len(received.get("body", b""))
        self._is_over = not received.get("more_body", False)
        return received

    async def drain(self) -> None:
        """Let a browser finish sending what is not taken, so that it reads the answer; within limits."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._is_over and self._total <= 4 * self._most:
                    await self._next()


def desk_of(home: Home, sources: Mapping[str, SourceDeclaration], **more: Any) -> Desk:
    """The desk of a home, for the sources that people keep a workbook of."""
    keepers = {name: source for name, source in sources.items() if source.kind == "workbook"}
    return Desk(home, keepers, Workers(folder=folder_of(home)), **more)

"""Words that mean little in a question, and words that mean the same: Spanish, English, Chinese.

Holds words alone, and only general ones: nothing here may come from a particular kind of document.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

# Folded: without accents, as `terms.fold` leaves them.
STOP_WORDS = frozenset(
    """
a about above after all also am an and any are as at be been before being below between both but
by can could did do does doing during each few for from get got had has have having he her here
hers him his how i if in into is it its just let ll may me might more most must my no nor not of
off on once only or other our out over own please re same shall she should so some such t than
that the their them then there these they this those through to too under until up us very was we
were what when where which while who whom whose why will with would you your yours s ve tell know
want need like many much long

al algo algun alguna algunas alguno algunos ante antes aqui asi aun aunque bajo bien cada como con
contra cual cuales cualquier cuando cuanta cuantas cuanto cuantos de debe deben debo del desde
donde dos e el ella ellas ellos en entre era es esa esas ese eso esos esta estan estar estas este
esto estos fue ha hace hacen hacer hago han hasta hay la las le les lo los mas me mi mis mucho muy
nada ni no nos nosotros o os otra otro para pero poco por porque pues puede pueden puedo que quien
quienes quiero se sea segun ser si sido sin sino sobre son soy su sus tal tambien tan tanto te
tener tengo ti tiene tienen toca todo todos tras tu tus u un una unas uno unos usted va van y ya yo
cuesta saber dime necesito
""".split()
)

_CHINESE_ASKING = """
是什么 什么时候 为什么 什么 怎么样 怎么 怎样 如何
是否 能否 可否 能不能 可不可以 可以 多少 多久 多大
哪个 哪些 哪里 哪儿 哪一 几个 几点 请问 告诉我 我们 你们 他们 需要 应该
必须 想要 知道 一个 一下 有没有
的话 以及 或者 还是 如果 的 了 吗 呢 吧 啊 我 你 您 他 她 它 是 在 有 和 与 或 要 会 能 得 就 都 也
很 把 被 让 给 对 从 到 为 这 那 哪 几 谁 请 想
"""

_SYNONYMS = """
price cost charge fee rate fare tariff
buy purchase acquire
begin start commence
end finish terminate conclude expire
cancel terminate revoke withdraw
rent lease tenancy hire
tenant lessee renter
landlord lessor
worker employee staff personnel
boss manager supervisor employer
salary wage pay remuneration
holiday vacation leave
sick ill illness sickness disease
doctor physician
child minor kid
car vehicle automobile
fix repair mend
broken defective faulty damaged
allow permit authorise authorize
forbid prohibit ban
deadline limit
quick fast rapid
big large
small little
help support assistance
send ship deliver dispatch
arrive arrival
leave depart departure
house home dwelling housing
pay payment settle
refund reimburse reimbursement repay
penalty fine sanction surcharge
notice notify inform announce notification
annual yearly year
monthly month
weekly week
daily day
insurance coverage cover policy
luggage baggage suitcase
pet animal dog
warranty guarantee
complaint claim grievance
meal food lunch dinner
open opening
close closing
shop store retailer
train railway rail
bus coach
maximum max most
minimum min least
weight weigh
height high tall
width wide
length long
speed fast velocity
power watt wattage
size dimension
job work position post
training course
student pupil
teacher instructor
password credential
internet broadband
discount reduction rebate
renew renewal extend extension
safety security
late overdue delay delayed tardy
ill flu fever
certificate note document
vendor supplier seller
gift present
expensive costly valuable
break damage damaged harm
tooth dental toothache
hurt pain ache
owe owed debt
airline flight plane
steal stolen theft robbed
family relative visitor
baby birth infant newborn
exam examination test
grade mark score
essay assignment coursework
phone telephone mobile
film movie video
magazine journal
trip travel journey
hotel accommodation lodging
quiet silence silent
wife husband spouse partner
dead death die
lose lost
choose select
customer client
invoice bill
error fault failure

precio coste costo costar tarifa importe valor
comprar adquirir compra adquisicion
empezar comenzar iniciar inicio comienzo
terminar acabar finalizar fin final vencer vencimiento
cancelar anular rescindir resolver desistir baja
alquiler arrendamiento alquilar arrendar renta
inquilino arrendatario
propietario propiedad arrendador casero dueno
trabajador empleado plantilla personal
jefe responsable superior
sueldo salario retribucion nomina paga
vacaciones descanso
enfermo enfermedad
medico doctor facultativo
hijo menor nino
coche vehiculo automovil
arreglar reparar reparacion
roto defectuoso averiado dano
permitir autorizar permiso autorizacion
prohibir prohibido
plazo limite
rapido veloz
grande amplio
ayuda apoyo asistencia subvencion
enviar mandar remitir entregar envio entrega
llegar llegada
salir salida partida
casa vivienda domicilio piso
pagar abonar pago abono
devolver reembolsar devolucion reembolso
multa sancion penalizacion recargo
avisar comunicar notificar preaviso aviso
anual ano
mensual mes
semanal semana
diario dia
seguro cobertura poliza
maleta equipaje
mascota animal perro
garantia garantizar
queja reclamacion reclamar
comida alimento almuerzo
abrir apertura
cerrar cierre
tienda comercio establecimiento
tren ferrocarril
autobus autocar
maximo tope
minimo
peso pesar
altura alto
anchura ancho
longitud largo
velocidad
potencia
tamano dimension medida
trabajo empleo puesto
formacion curso
alumno estudiante
profesor docente
contrasena clave
descuento rebaja bonificacion reduccion
renovar prorrogar renovacion prorroga
seguridad seguro
cliente usuario
factura recibo
error fallo averia
fiesta festivo
perder perdida extraviar olvidar
robar robo hurto
empresa compania operador
aparato equipo dispositivo maquina
wifi internet fibra router
movil telefono celular
compensar indemnizar compensacion indemnizacion
entrar visitar visita acceder
revisar inspeccionar inspeccion revision
irse marcharse abandonar dejar
deposito fianza
luz electricidad electrico
ascensor elevador
ayuntamiento consistorio municipio
sordo auditivo
foto fotografiar fotografia
dinero cuantia cantidad
anticipo adelanto adelantar
reforma obra rehabilitacion
ganar ingreso
gratis gratuito
pared muro
comprobar verificar
cambiar cambio modificar modificacion
habitacion cuarto
marido mujer esposo esposa conyuge
permiso licencia

价格 费用 收费 价钱 票价
购买 买入
开始 起始
结束 终止 到期
取消 解除 撤销
租金 房租
租客 承租
房东 出租
员工 职工 雇员
工资 薪资 薪酬
假期 休假 年假
生病 疾病 病假
医生 医师
孩子 儿童 未成
汽车 车辆
维修 修理
损坏 故障
允许 许可 准许
禁止 不得
期限 时限
寄送 发货 配送
到达 抵达
出发 发车
支付 付款 缴纳
退款 退还 退费
罚款 违约
通知 告知
每年 年度
每月 月度
保险 保障
行李 箱包
宠物 动物
保修 质保
投诉 申诉
开门 营业 开放
关门 闭馆
商店 门店
最大 最高 上限
最小 最低 下限
重量
密码 口令
优惠 折扣
续约 续签 续期
客户 顾客
发票 账单
搬走 搬家 退租 退房
合同 协议
暖气 供暖 取暖
押金 保证 定金
赔偿 违约 补偿
感冒 发烧 生病 病假
箱子 行李
停车 泊车 车位
妻子 老婆 丈夫 老公 配偶
怀孕 生育 生孩
宾馆 酒店 住宿
门票 买票 购票
手机 电话
提早 提前
星期 每周 礼拜
丢失 遗失 丢了
"""

MONTHS = {
    name: number
    for number, names in enumerate(
        """
        jan ene
        feb
        mar
        apr abr
        may
        jun
        jul
        aug ago
        sep set
        oct
        nov
        dec dic
        """.split("\n")[1:-1],
        start=1,
    )
    for name in names.split()
}
"""The first three letters of the months' names, Spanish and English."""


def synonym_groups() -> Iterator[list[str]]:
    """Yield words of one language that stand for each other in questions."""
    for line in _SYNONYMS.splitlines():
        if line:
            yield line.split()


@lru_cache(maxsize=1)
def chinese_asking() -> re.Pattern[str]:
    """Return what finds the Chinese words that ask and join, longest first."""
    words = sorted(_CHINESE_ASKING.split(), key=lambda word: (-len(word), word))
    return re.compile("|".join(words))
